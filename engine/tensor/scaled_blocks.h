// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/tensor.h"

namespace qscope::engine {

/// NVFP4 blocks and the second scale beside them, one of the whole tensor or one for each of its equal parts (experts):
/// w = level * (scale of 16 * second scale), in single precision (formats.md, section 2.2).
struct ScaledBlocks {
    TensorView blocks;         ///< NVFP4
    std::vector<float> scales; ///< as many as there are parts
    bool divides = false;      ///< the scale of 16 is divided by them
};

/// The weight as a Coded tensor of the blocks' shape. Malformed when the scales cut its rows into no equal parts.
[[nodiscard]] Result<TensorView> scaledTensor(ScaledBlocks weight);

/// What `scaledTensor` was made from; null for any other tensor.
[[nodiscard]] const ScaledBlocks* scaledBlocks(const TensorSource* source);

} // namespace qscope::engine
