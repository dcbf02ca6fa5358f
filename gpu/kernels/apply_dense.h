// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/real.h"
#include "gpu/runtime/recorder.h"

#include <array>

namespace qscope::gpu {

/// Most target bits of a dense matrix.
inline constexpr int kDenseTargets = 5;

/// Laid out like the shader's push constants. Invocation i takes the indices made of `first + i` spread around
/// `fixedMask`, with the bits of `setMask` set.
struct DensePass {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t fixedMask = 0; ///< bits of targets and controls
    std::uint32_t setMask = 0;   ///< bits of controls
    std::array<std::uint32_t, kDenseTargets> targets{};
};
static_assert(sizeof(DensePass) == 36);

/// Multiplies groups of 2^targets complex numbers by a row-major matrix. With `high` the last target is no bit of the
/// index but chooses between the buffers, 0 the first.
void applyDense(Recorder& recorder, Real real, int targets, const DensePass& pass, const Buffer& low,
                const Buffer* high, const Buffer& matrix);

} // namespace qscope::gpu
