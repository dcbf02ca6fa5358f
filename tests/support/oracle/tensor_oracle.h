// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <span>
#include <vector>

namespace qscope::test {

// Slow and plain versions of the tensor operations, written from their definitions and from the description of the
// block formats; they share no code with any backend.

/// One value at a time, each step rounded to single precision as the definition of `UniformGrid` asks.
[[nodiscard]] engine::RoundedToGrid naiveRoundToGrid(std::span<const float> values, const engine::Grouping& grouping,
                                                     const engine::UniformGrid& grid);

/// ŵ = (code - zero) * scale in double precision.
[[nodiscard]] std::vector<double> naiveFromGrid(const engine::RoundedToGrid& codes, const engine::Grouping& grouping,
                                                const engine::UniformGrid& grid);

/// Blocks of Q4_0 or Q8_0 without importance.
[[nodiscard]] std::vector<std::byte> naiveBlocks(DType type, std::span<const float> values);

/// Values of Q4_0, Q8_0, Q4_K or Q6_K blocks.
[[nodiscard]] std::vector<double> naiveFromBlocks(DType type, std::span<const std::byte> blocks);

[[nodiscard]] engine::ErrorSums naiveErrorSums(std::span<const float> reference, std::span<const float> result);

} // namespace qscope::test
