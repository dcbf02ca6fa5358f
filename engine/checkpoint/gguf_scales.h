// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

namespace qscope::engine {

// NVFP4's second scale lies in a tensor of its own beside the blocks (formats.md, section 2.2).

/// "blk.0.ffn_up.weight" gives "blk.0.ffn_up.scale".
[[nodiscard]] std::string ggufScaleName(std::string weight);

/// Metadata of our own: the number whose reciprocal, rounded, is the scale. compressed-tensors divides by its tensor
/// scale, GGUF multiplies; with the divisor kept, what went into GGUF comes out of it to the last bit.
inline constexpr std::string_view kGgufDivisorPrefix = "quantoscope.scale_divisor.";
[[nodiscard]] float ggufScaleOf(float divisor);

/// Lists NVFP4 blocks and the scale of the same name as one Coded weight followed by its scale. Others stay.
[[nodiscard]] Result<void> joinGgufScales(Checkpoint& checkpoint);

} // namespace qscope::engine
