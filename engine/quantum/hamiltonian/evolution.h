// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"
#include "engine/quantum/hamiltonian/krylov.h"

namespace qscope::engine {

/// exp(-i H time) state, by Krylov spaces in as many steps as keep the error below `tolerance` (of the 2-norm, estimated).
/// Source: Saad, "Analysis of some Krylov subspace approximations to the matrix exponential operator", SIAM J. Numer. Anal. 29, 1992.
[[nodiscard]] Result<StateVector> evolved(const PauliSum& hamiltonian, StateVector state, double time, double tolerance,
                                          const RunContext& context);

/// A product formula for exp(-i H time) as a circuit of rotations. Its error falls with `steps` to the power of `order` (1, 2 or 4).
/// Source: Suzuki, "Fractal decomposition of exponential operators", Phys. Lett. A 146, 1990.
[[nodiscard]] Result<Circuit> trotterCircuit(const PauliSum& hamiltonian, double time, int steps, int order);

} // namespace qscope::engine
