// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace qscope::gpu {

/// 2^bits elements cut into 2^(bits - localBits) buffers of 2^localBits elements each, because a shader sees only part
/// of a large array. The low `localBits` of an index say where inside a shard, the others which shard.
struct ShardLayout {
    int bits = 0;
    int localBits = 0;

    [[nodiscard]] std::uint64_t shards() const { return std::uint64_t{1} << (bits - localBits); }
    [[nodiscard]] std::uint64_t perShard() const { return std::uint64_t{1} << localBits; }
    [[nodiscard]] std::uint64_t localMask() const { return perShard() - 1; }
    [[nodiscard]] std::uint64_t shardOf(std::uint64_t index) const { return index >> localBits; }
    [[nodiscard]] std::uint64_t localOf(std::uint64_t index) const { return index & localMask(); }
};

/// Shards as large as one binding of `bindingBytes` can be, local indices in 31 bits.
[[nodiscard]] inline ShardLayout shardLayout(int bits, std::uint64_t elementBytes, std::uint64_t bindingBytes) {
    const int fitting = static_cast<int>(std::bit_width(bindingBytes / elementBytes)) - 1;
    return {bits, std::min({bits, fitting, 31})};
}

/// The buffers of a layout, lowest indices first.
[[nodiscard]] inline Result<std::vector<Buffer>> makeShards(const Device& device, const ShardLayout& layout,
                                                            std::uint64_t elementBytes) {
    std::vector<Buffer> shards;
    for (std::uint64_t i = 0; i < layout.shards(); ++i) {
        QSCOPE_TRY(auto shard, device.makeBuffer(layout.perShard() * elementBytes));
        shards.push_back(std::move(shard));
    }
    return shards;
}

} // namespace qscope::gpu
