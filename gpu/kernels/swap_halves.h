// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/real.h"
#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Laid out like the shader's push constants. Invocation i takes the index made of `first + i` spread around `bit`.
struct SwapPass {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t bit = 0; ///< as a mask
};
static_assert(sizeof(SwapPass) == 12);

/// Exchanges the elements of `low` whose index has the bit set with those of `high` whose index has not: in the array
/// that the two buffers make together, that bit and the bit between the buffers trade places.
void swapHalves(Recorder& recorder, Real real, const SwapPass& pass, const Buffer& low, const Buffer& high);

} // namespace qscope::gpu
