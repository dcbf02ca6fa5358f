// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace qscope::gpu {

/// The size that a request of `bytes` (above 0) is rounded up to, so that buffers can be used again: eight steps per
/// power of two, at least 256 bytes. At most an eighth is lost; powers of two stay as they are.
[[nodiscard]] constexpr std::uint64_t sizeClass(std::uint64_t bytes) {
    const std::uint64_t step = std::max<std::uint64_t>(256, std::bit_floor(bytes) / 8);
    return (bytes + step - 1) / step * step;
}

} // namespace qscope::gpu
