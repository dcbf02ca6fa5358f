// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// A way to write blocks of values as codes times scales, found by search; the shaders say which bits go where.
enum class Fit : std::uint8_t {
    Affine,    ///< scale * code - minimum with four-bit codes for 32 values each, scales and minima in six bits
    Symmetric, ///< scale * code with six-bit codes for 16 values each, scales in eight bits
    Single     ///< scale * code with four-bit codes and one half-precision scale
};

struct FitShape {
    std::uint32_t length; ///< values per block
    std::uint32_t words;  ///< of 32 bits that come out for each block
    std::uint32_t lanes;  ///< invocations per block
};
[[nodiscard]] constexpr FitShape shapeOf(Fit fit) {
    return fit == Fit::Affine      ? FitShape{256, 36, 8}
           : fit == Fit::Symmetric ? FitShape{256, 53, 16}
                                   : FitShape{32, 5, 1};
}

/// Laid out like the shaders' push constants.
struct FitPass {
    std::uint32_t count = 0;       ///< blocks
    std::uint32_t columns = 0;     ///< values per row, a multiple of the block; weights repeat in each row
    std::uint32_t hasWeights = 0;  ///< without, bind anything in their place
    std::uint32_t firstColumn = 0; ///< of the first value
};
static_assert(sizeof(FitPass) == 16);

/// The blocks of least weighted squared error that the search finds.
void fitBlocks(Recorder& recorder, Fit fit, const FitPass& pass, const Buffer& values, const Buffer& weights,
               const Buffer& blocks);

} // namespace qscope::gpu
