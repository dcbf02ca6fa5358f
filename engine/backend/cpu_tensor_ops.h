// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

namespace qscope::engine::cpu {

// The tensor operations of the CPU backend; see `ComputeBackend` for what each promises.

[[nodiscard]] Result<RoundedToGrid> roundToGrid(std::span<const float> values, const Grouping& grouping,
                                                const UniformGrid& grid, const RunContext& context);
[[nodiscard]] Result<std::vector<std::byte>> encodeBlocks(DType type, std::span<const float> values,
                                                          std::int64_t columns, std::span<const float> importance,
                                                          const RunContext& context);
[[nodiscard]] Result<ErrorSums> errorSums(std::span<const float> reference, std::span<const float> result,
                                          const RunContext& context);

} // namespace qscope::engine::cpu
