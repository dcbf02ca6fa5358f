// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/hamiltonian/pauli_sum.h"

namespace qscope::engine {

/// exp(-beta H) / Z with k_B = 1: energies in the units of H.
struct ThermalState {
    int qubits = 0;
    std::vector<double> energies;              ///< all of H, ascending
    std::vector<double> populations;           ///< of those energies
    double energy = 0;                         ///< Tr(H rho)
    double entropy = 0;                        ///< -Tr(rho ln rho), nats
    double freeEnergy = 0;                     ///< -ln(Z) / beta; at beta 0 minus infinity
    std::vector<std::complex<double>> density; ///< row-major
};

/// By full diagonalisation, for at most 10 qubits. An infinite beta gives the equal mixture of all ground states.
[[nodiscard]] Result<ThermalState> thermalState(const PauliSum& hamiltonian, double beta, const RunContext& context);

} // namespace qscope::engine
