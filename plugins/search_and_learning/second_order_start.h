// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/uniform_step.h"

#include <functional>

namespace qscope::engine {

/// Codes with their groups' steps, unsigned, row-major.
struct StartingCodes {
    std::vector<float> codes;
    std::vector<UniformStep> steps;
};

/// The step of one group, from the values that it then has to hold.
using FitGroup = std::function<UniformStep(std::span<const float>)>;

/// Every weight on the nearest level.
[[nodiscard]] Result<StartingCodes> nearestCodes(std::span<const float> weight, const Grouping& grouping,
                                                 const FitGroup& fit, const RunContext& context);

/// Column by column, the error of each passed on to the columns behind it so that the layer's output changes least
/// (Frantar et al., GPTQ, 2023, algorithm 1; groups along rows, in the order of columns). `moments`: XᵀX, [columns,
/// columns]. OutOfRange when it cannot be inverted even with its diagonal raised.
[[nodiscard]] Result<StartingCodes> secondOrderCodes(std::span<const float> weight, std::span<const double> moments,
                                                     const Grouping& grouping, double damping, const FitGroup& fit,
                                                     const RunContext& context);

} // namespace qscope::engine
