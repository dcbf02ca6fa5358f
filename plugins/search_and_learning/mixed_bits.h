// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/model_access.h"
#include "engine/quant/uniform_step.h"

namespace qscope::engine {

/// What each width would cost a weight.
struct WidthCosts {
    std::int64_t weights = 0;
    std::vector<double> costs; ///< at `least`, least + 1, ... bits
};

/// Bits for each weight, `least` or more, so that their mean over all weights is at most `mean`: from the least up,
/// always the bit that takes off most cost per weight it is spent on.
[[nodiscard]] std::vector<int> spendBits(std::span<const WidthCosts> weights, int least, int mean);

/// Chooses widths from mean - 1 to mean + 2 bits for the weights of a model's blocks by what rounding them does to the
/// loss, to first order: Σ E|∂L/∂w| |w - ŵ|, the mean over some sequences. Weights outside blocks have `mean` bits.
[[nodiscard]] Result<std::vector<int>> importanceBits(ModelAccess& model, const QuantMethod& method,
                                                      const ParamValues& parameters, std::int64_t sequences,
                                                      const RunContext& context);

} // namespace qscope::engine
