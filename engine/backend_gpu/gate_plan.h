// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/core/result.h"
#include "gpu/runtime/shards.h"

#include <utility>
#include <vector>

namespace qscope::engine::vulkan {

/// OutOfRange unless the gate fits a state of `bits` qubits.
[[nodiscard]] Result<void> checkGate(const FusedGate& gate, int bits);

/// A dense gate made ready for shards: targets ascend, and at most the last of them crosses shards. `swaps` are pairs
/// (local bit, shard bit) that trade places before, and back after.
struct DensePlan {
    std::vector<std::pair<int, int>> swaps;
    FusedGate gate;
};

/// For a gate that passes `checkGate`, on shards of at least 2^5 elements (or a single shard).
[[nodiscard]] DensePlan planDense(const FusedGate& gate, const gpu::ShardLayout& layout);

} // namespace qscope::engine::vulkan
