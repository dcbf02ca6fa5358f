// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

namespace qscope::engine {

// What all simulators check alike, and how they put things to people.

/// What a simulator can follow beyond gates, measurements, resets and conditions.
struct Abilities {
    bool noise = false;
    bool decisions = false; ///< branches, loops, classical values, parameters that are measured
};

/// The method's name, values for inputs, what the simulator has no ability for, opaque gates, shots and observables; an
/// error says what is wrong. Sizes are the simulator's own matter.
[[nodiscard]] Result<void> checkRequest(const Circuit& circuit, const SimulationRequest& request, std::string_view id,
                                        Abilities abilities = {});

/// Unsupported when the caller needs amplitudes, which the simulator `id` does not keep.
[[nodiscard]] Result<void> refuseAmplitudes(const SimulationRequest& request, std::string_view id);

/// Unsupported when a gate is on more than `most` qubits, whose matrix `id` would have to write down.
[[nodiscard]] Result<void> refuseWideGates(const Circuit& circuit, std::size_t most, std::string_view id);

/// The same request once the circuit's inputs have their values.
[[nodiscard]] SimulationRequest withoutInputs(SimulationRequest request);

/// Whether counts are of classical bits; otherwise they are of all qubits: nothing is measured, or all bits are local.
[[nodiscard]] bool printsBits(bool measures, const std::vector<Register>& cregs);

/// "16.4 GiB"
[[nodiscard]] std::string bytesText(double bytes);

/// Classical bits as registers are printed: last declared leftmost, a space between them; local ones are no outcome.
[[nodiscard]] std::string printedBits(const std::vector<bool>& clbits, const std::vector<Register>& cregs);

/// Whether the condition holds for these values of all classical bits.
[[nodiscard]] bool conditionHolds(const Condition& condition, const std::vector<Register>& cregs,
                                  const std::vector<bool>& clbits);

/// Counted outcomes, the most frequent first, equal ones by their bits.
[[nodiscard]] std::vector<OutcomeCount> sortedCounts(const std::map<std::string, std::int64_t>& counts);

} // namespace qscope::engine
