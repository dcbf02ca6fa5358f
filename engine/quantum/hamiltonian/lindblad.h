// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/hamiltonian/pauli_sum.h"

namespace qscope::engine {

/// A jump operator on a few qubits, row-major, `qubits[0]` the lowest bit; `rate` per unit of time.
struct Jump {
    std::vector<int> qubits;
    std::vector<std::complex<double>> matrix;
    double rate = 1;
};

/// rho at each of the ascending `times`, each from `rho` at time 0 (row-major, 2^n x 2^n, n <= 7), under
/// d rho / dt = -i [H, rho] + sum of rate (L rho L^dagger - {L^dagger L, rho} / 2), with the error of a step below `tolerance`.
/// Steps by Dormand and Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math. 6, 1980.
[[nodiscard]] Result<std::vector<std::vector<std::complex<double>>>>
lindblad(const PauliSum& hamiltonian, std::span<const Jump> jumps, const std::vector<std::complex<double>>& rho,
         std::span<const double> times, double tolerance, const RunContext& context);

} // namespace qscope::engine
