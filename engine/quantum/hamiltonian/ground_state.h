// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/hamiltonian/krylov.h"

namespace qscope::engine {

struct EigenState {
    double energy = 0;
    StateVector vector;
    double residual = 0; ///< |H v - E v|
};

struct LanczosOptions {
    double tolerance = 1e-9; ///< of a residual, against the sum of |coefficients|
    int restarts = 500;
    std::uint64_t seed = 1;  ///< of the first vectors
};

/// The lowest eigenstates, degenerate ones each on their own, by restarted Lanczos: ascending energies. Up to 64 states are found by
/// full diagonalisation. OutOfRange when it does not converge.
[[nodiscard]] Result<std::vector<EigenState>> lowestStates(const PauliSum& hamiltonian, int count, const LanczosOptions& options,
                                                           const RunContext& context);

} // namespace qscope::engine
