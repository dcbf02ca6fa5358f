// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

#include <span>

namespace qscope::engine {

/// A circuit on two devices that are too small for it: gates across the cut become sums of local operations with
/// quasi-probabilities, each exp(i t Z Z) six of them. Source: Mitarai and Fujii, "Constructing a virtual two-qubit
/// gate by sampling single-qubit operations", New J. Phys. 23, 023021 (2021), section 2.
struct CircuitCut {
    std::vector<int> pieces[2];        ///< qubits of the circuit, rising
    std::vector<std::size_t> cutGates; ///< operations of `flatten(circuit)` across the cut
    double overhead = 1;               ///< a device needs this many times the shots: the product of (1 + 2 |sin 2t|)^2
};

/// The cut into two pieces of at most `mostQubits` with the least overhead, by trying all (at most 20 qubits).
/// Unsupported when every such cut goes through a gate that has no such sum (swaps and gates on three qubits have none
/// here), more than eight gates would be cut, or the circuit measures on the way, resets or has conditions.
[[nodiscard]] Result<CircuitCut> planCut(const Circuit& circuit, int mostQubits);

/// The value of a Pauli string at the end of the whole circuit, exactly, from runs of the two pieces alone.
[[nodiscard]] Result<double> cutExpectation(const Circuit& circuit, const CircuitCut& cut,
                                            std::span<const PauliFactor> observable, const RunContext& context);

} // namespace qscope::engine
