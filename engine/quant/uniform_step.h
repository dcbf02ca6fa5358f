// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"
#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"

namespace qscope::engine {

/// How far the grid of a group reaches.
struct Clipping {
    enum class Rule : std::uint8_t {
        Max,         ///< to the smallest and largest value
        Percentile,  ///< to quantiles of the magnitudes
        MeanSquares, ///< as far as makes the sum of |w - ŵ|^power, weighted, the least among shrunken ranges
        Entropy      ///< as far as makes the histogram of ŵ most like that of w in Kullback and Leibler's sense
    } rule = Rule::Max;
    double percentile = 99.9; ///< of magnitudes, in percent
    double power = 2;         ///< of MeanSquares (the reference implementation of GPTQ: 2.4)
    int candidates = 80;      ///< ranges tried: shrunken by 1, 1 - 1/100, 1 - 2/100, ...
};

/// The step for the values of one group, scale rounded to the grid's type. `weights`: one per value, or empty; only
/// MeanSquares uses them.
[[nodiscard]] UniformStep fitStep(std::span<const float> values, std::span<const float> weights, const UniformGrid& grid,
                                  const Clipping& clipping = {});

/// One step per group of a matrix; `columnWeights` one per column or empty. On all cores. Leaves progress alone.
[[nodiscard]] Result<std::vector<UniformStep>> fitSteps(std::span<const float> matrix, std::span<const float> columnWeights,
                                                        const Grouping& grouping, const UniformGrid& grid,
                                                        const Clipping& clipping, const RunContext& context);

/// Every element on the step of its group.
[[nodiscard]] RoundedToGrid roundToSteps(std::span<const float> matrix, const Grouping& grouping, const UniformGrid& grid,
                                         std::span<const UniformStep> steps);

/// Scales and zero points as results keep them; codes are the caller's.
[[nodiscard]] RoundedToGrid withoutCodes(const UniformGrid& grid, std::span<const UniformStep> steps);
/// A code of a step as results keep it.
[[nodiscard]] std::uint8_t storedCode(const UniformGrid& grid, float code);

} // namespace qscope::engine
