// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/hamiltonian/pauli_sum.h"

namespace qscope::engine {

using StateVector = std::vector<std::complex<double>>;

/// An orthonormal basis of span{v, Hv, H²v, ...} in which H is tridiagonal. Fewer than asked when the space is exhausted.
struct KrylovBasis {
    std::vector<StateVector> vectors;
    std::vector<double> diagonal;
    std::vector<double> beside; ///< [k] joins vectors k and k + 1; the last one leads out of the basis, 0 when it is exhausted
};

/// Lanczos with full orthogonalisation, also against `locked` (orthonormal). `start` need not be normalised.
/// Source: Golub and Van Loan, "Matrix Computations", section 10.3. OutOfMemory before anything is allocated.
[[nodiscard]] Result<KrylovBasis> krylovBasis(const PauliSum& hamiltonian, const StateVector& start, int steps,
                                              std::span<const StateVector> locked, const RunContext& context);

/// How many vectors of so many qubits fit the free memory, at most `wanted`; OutOfMemory when not even `least` do.
[[nodiscard]] Result<int> vectorsThatFit(int qubits, int least, int wanted);

} // namespace qscope::engine
