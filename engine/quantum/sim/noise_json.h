// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/quantum/sim/noise_model.h"

namespace qscope::engine {

// A model as a file, all times in one unit:
//   {"noise": "my device",
//    "rules": [{"gates": ["cx"], "except": [], "qubits": [[0, 1]], "channel": {"kind": "depolarizing2", "p": 0.01}}],
//    "durations": {"1q": 35, "cx": 300},
//    "decay": [{"t1": 1e5, "t2": 8e4}, {"qubits": [3], "t1": 2e4, "t2": 1e4, "excited": 0.01}],
//    "readout": [{"one_given_zero": 0.01, "zero_given_one": 0.03}]}
// Entries of `decay` and `readout` without "qubits" are for all others. A channel of kind "pauli" has "chances" {"XI": 0.01},
// one of kind "kraus" has "matrices", each a list of rows of numbers or [re, im] pairs, first qubit the lowest bit.

/// Malformed or OutOfRange says which entry is wrong.
[[nodiscard]] Result<NoiseModel> noiseFromJson(const Json& json);
/// `noiseFromJson` gives the same model back.
[[nodiscard]] Json toJson(const NoiseModel& model);

} // namespace qscope::engine
