// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/level_fit.h"

namespace qscope::engine {

/// Rows of a parameter table for methods that scale a grid to groups: granularity, group, fit, scale.
[[nodiscard]] std::vector<ParamSpec> groupParameters(std::string granularity, std::string fit);

[[nodiscard]] inline int integerOf(const ParamValues& parameters, std::string_view key) {
    return static_cast<int>(valueOf<std::int64_t>(parameters, key));
}
[[nodiscard]] Grouping groupingFrom(const Shape& shape, const ParamValues& parameters);
/// "absmax": one candidate; "mse": 81 from 0.3 to 1.1 of the largest magnitude.
[[nodiscard]] ScaleSearch searchFrom(const ParamValues& parameters);
[[nodiscard]] ScaleType scaleTypeFrom(const ParamValues& parameters);

/// Codes on a grid, without values.
[[nodiscard]] LevelCodes outlineOn(const Grid& grid, const Grouping& grouping, ScaleType type);

/// Scales and codes for a matrix: per group the scale that the search finds (weighted by `columnWeights` where there
/// are any), each value to the nearest level. Returns the squared error, weighted. Adds the elements to the progress.
[[nodiscard]] Result<double> roundOn(const Grid& grid, std::span<const float> matrix,
                                     std::span<const float> columnWeights, const ScaleSearch& search, LevelCodes& codes,
                                     const RunContext& context);

/// A range that is symmetric around 0 for what enters a layer, of least squared error on a grid of levels over the
/// tokens that calibration kept; nothing where it kept none.
[[nodiscard]] std::optional<ActivationRange> searchedRange(const InputStatistics& inputs, const Grid& grid,
                                                           const ScaleSearch& search);

} // namespace qscope::engine
