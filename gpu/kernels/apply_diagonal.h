// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/real.h"
#include "gpu/runtime/recorder.h"

#include <array>

namespace qscope::gpu {

/// Most target bits of a diagonal.
inline constexpr int kDiagonalTargets = 12;

/// Laid out like the shader's push constants. Invocation i takes the index made of `first + i` spread around
/// `setMask`, with those bits set.
struct DiagonalPass {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t setMask = 0;
    std::uint32_t entry = 0; ///< bits of the entry's number that are the same for the whole buffer
    std::uint32_t targetCount = 0;
    std::array<std::uint32_t, kDiagonalTargets> targets{}; ///< bit of the index + 256 * bit of the entry's number
};
static_assert(sizeof(DiagonalPass) == 68);

/// Multiplies complex numbers by the entries that their target bits choose.
void applyDiagonal(Recorder& recorder, Real real, const DiagonalPass& pass, const Buffer& values,
                   const Buffer& entries);

} // namespace qscope::gpu
