// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/model_sizes.h"
#include "engine/nn/graph/value.h"

namespace qscope::engine::nn {

/// Cosines and sines of the angles position * frequency, [positions, dimension / 2] each, as RotaryEmbedding takes
/// them.
struct RotaryTables {
    Value cosines;
    Value sines;
};

/// The frequencies of rotary embedding over `dimension` elements, base^(-2i / dimension) (Su et al., 2021), with the
/// model's scaling for texts of `positions` tokens. Malformed when a list of factors has another length.
[[nodiscard]] Result<std::vector<double>> rotaryFrequencies(const ModelConfig& config, std::int64_t dimension,
                                                            std::int64_t positions);

/// What cosines and sines are multiplied with: Yarn's and LongRope's correction of attention, else 1.
[[nodiscard]] double rotaryAmplitude(const ModelConfig& config);

[[nodiscard]] Result<RotaryTables> rotaryTables(const ModelConfig& config, std::int64_t dimension,
                                                std::int64_t positions);

} // namespace qscope::engine::nn
