// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/group_extrema.h"
#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Laid out like the shader's push constants.
struct RoundPass {
    std::uint32_t first = 0; ///< word of four codes
    std::uint32_t count = 0; ///< words
    std::uint32_t elements = 0;
    std::uint32_t columns = 0;
    std::uint32_t groupRows = 0;
    std::uint32_t groupColumns = 0;
    std::uint32_t groupsAcross = 0;
    std::uint32_t hasOffsets = 0;
    std::int32_t lowest = 0;
    std::int32_t highest = 0;
};
static_assert(sizeof(RoundPass) == 40);

/// clamp(rint(value / scale) + offset, lowest, highest), equal to IEEE single precision with ties to even, one byte
/// each. Scales (>= 0; code = offset where 0) and 32-bit offsets per group; without offsets bind `scales` twice.
void roundToGrid(Recorder& recorder, const RoundPass& pass, const Buffer& values, const Buffer& scales,
                 const Buffer& offsets, const Buffer& codes);

} // namespace qscope::gpu
