// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device.h"
#include "gpu/runtime/transfer.h"

#include <vector>

namespace qscope::gpu {

/// Bytes of one sum as the kernels leave it: a double, or two singles on devices without double precision.
inline constexpr std::uint64_t kSumBytes = 8;

/// The first `count` sums of a buffer, as doubles.
[[nodiscard]] Result<std::vector<double>> readSums(const Device& device, const Buffer& sums, std::uint64_t count,
                                                   const std::stop_token& stop);

} // namespace qscope::gpu
