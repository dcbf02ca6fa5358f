// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/real.h"
#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Laid out like the shader's push constants. Invocation i sums over the bits of `loopMask` and writes sum `first + i`.
struct SquaresPass {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t loopMask = 0;
};
static_assert(sizeof(SquaresPass) == 12);

/// Squared magnitudes of complex numbers, summed over some bits of the index; read with `readSums`.
void sumSquares(Recorder& recorder, const Device& device, Real real, const SquaresPass& pass, const Buffer& values,
                const Buffer& sums);

} // namespace qscope::gpu
