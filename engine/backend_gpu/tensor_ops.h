// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "gpu/runtime/device.h"

namespace qscope::engine::vulkan {

// The tensor operations of the Vulkan backend; see `ComputeBackend` for what each promises. Values stream through the
// device in slabs. Scales are computed by the processor from the extrema that the device finds: they are few, and IEEE
// division is exact there. Codes, scales and blocks of Q4_0 and Q8_0 equal the CPU's to the last bit.

/// Largest |w| that `encodeBlocks` leaves to the processor: devices may take the smallest numbers for zero.
inline constexpr float kTinyPeak = 0x1p-100f;

[[nodiscard]] bool encodesBlocks(DType type);

[[nodiscard]] Result<RoundedToGrid> roundToGrid(const gpu::Device& device, std::span<const float> values,
                                                const Grouping& grouping, const UniformGrid& grid,
                                                const std::stop_token& stop);
[[nodiscard]] Result<std::vector<std::byte>> encodeBlocks(const gpu::Device& device, DType type,
                                                          std::span<const float> values, std::int64_t columns,
                                                          std::span<const float> importance,
                                                          const std::stop_token& stop);
[[nodiscard]] Result<ErrorSums> errorSums(const gpu::Device& device, std::span<const float> reference,
                                          std::span<const float> result, const std::stop_token& stop);

/// Elements that a slab of singles may have on this device.
[[nodiscard]] std::int64_t slabElements(const gpu::Device& device);

} // namespace qscope::engine::vulkan
