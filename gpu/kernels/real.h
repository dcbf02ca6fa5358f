// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace qscope::gpu {

/// Precision of complex arrays on the device.
enum class Real : std::uint8_t { Single, Double };

[[nodiscard]] constexpr std::uint64_t complexBytes(Real real) { return real == Real::Single ? 8 : 16; }

/// Invocations per workgroup of every kernel: the most that each Vulkan device must allow.
inline constexpr std::uint32_t kWorkgroupSize = 128;

} // namespace qscope::gpu
