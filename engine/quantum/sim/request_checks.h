// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

namespace qscope::engine {

// What all simulators check alike, and how they put things to people.

/// The method's name, noise for a simulator that knows none, opaque gates, shots and observables; an error says what is
/// wrong. Sizes are the simulator's own matter.
[[nodiscard]] Result<void> checkRequest(const Circuit& circuit, const SimulationRequest& request, std::string_view id,
                                        bool knowsNoise = false);

/// Unsupported when the caller needs amplitudes, which the simulator `id` does not keep.
[[nodiscard]] Result<void> refuseAmplitudes(const SimulationRequest& request, std::string_view id);

/// "16.4 GiB"
[[nodiscard]] std::string bytesText(double bytes);

/// Classical bits as registers are printed: last declared leftmost, a space between them.
[[nodiscard]] std::string printedBits(const std::vector<bool>& clbits, const std::vector<Register>& cregs);

/// Whether the condition holds for these values of all classical bits.
[[nodiscard]] bool conditionHolds(const Condition& condition, const std::vector<Register>& cregs,
                                  const std::vector<bool>& clbits);

/// Counted outcomes, the most frequent first, equal ones by their bits.
[[nodiscard]] std::vector<OutcomeCount> sortedCounts(const std::map<std::string, std::int64_t>& counts);

} // namespace qscope::engine
