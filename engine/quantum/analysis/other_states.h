// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

namespace qscope::engine {

// What the simulators that keep no amplitudes hold instead, to be looked at.

/// The stabilizer tableau of a Clifford circuit after `request.steps` operations, for shot 0 where it measures.
struct TableauText {
    int qubits = 0;
    std::vector<std::string>
        stabilizers; ///< "+XZI", qubit 0 rightmost; n independent ones, whose products fix the state
    std::vector<std::string>
        destabilizers; ///< the i-th anticommutes with the i-th stabilizer alone; signs mean nothing
};
/// Unsupported, with the line, when an operation is not Clifford; at most 1024 qubits.
[[nodiscard]] Result<TableauText> stabilizerTableau(const Circuit& circuit, const SimulationRequest& request,
                                                    const RunContext& context);

/// Bond dimensions of the matrix product state along a circuit.
struct BondHistory {
    int qubits = 0;
    std::vector<std::size_t> steps; ///< operations applied, ascending, from none to all
    std::vector<int> bonds;         ///< row-major, one row per place between neighbouring sites, one column per step
    std::vector<double> fidelity;   ///< per step: lower bound of |<exact|kept>|^2 under truncation
    std::vector<int> order;         ///< qubit at each site in the end; gates between far qubits move them together
};
/// At most `columns` steps, evenly spread. `request.bond` and `cutoff` as in a simulation by "mps".
[[nodiscard]] Result<BondHistory> bondHistory(const Circuit& circuit, const SimulationRequest& request, int columns,
                                              const RunContext& context);

} // namespace qscope::engine
