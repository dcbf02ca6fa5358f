// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Values of a block in the functions below.
inline constexpr std::uint32_t kFitLength = 256;

/// Words that each block takes in `blocks`; what they hold is written in the shaders.
inline constexpr std::uint32_t kAffineWords = 36;
inline constexpr std::uint32_t kSymmetricWords = 53;

/// Laid out like the shaders' push constants.
struct FitPass {
    std::uint32_t count = 0;      ///< blocks
    std::uint32_t columns = 0;    ///< values per row, a multiple of the block; weights repeat in each row
    std::uint32_t hasWeights = 0; ///< without, bind anything in their place
    std::uint32_t firstColumn = 0; ///< of the first value
};
static_assert(sizeof(FitPass) == 16);

/// scale * code - minimum with four-bit codes for 32 values each, scales and minima in six bits, by search.
void fitAffine(Recorder& recorder, const FitPass& pass, const Buffer& values, const Buffer& weights,
               const Buffer& blocks);

/// scale * code with six-bit codes for 16 values each, scales in eight bits, by search.
void fitSymmetric(Recorder& recorder, const FitPass& pass, const Buffer& values, const Buffer& weights,
                  const Buffer& blocks);

} // namespace qscope::gpu
