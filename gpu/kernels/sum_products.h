// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/kernels/real.h"
#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Laid out like the shader's push constants. Invocation i sums over the bits of `loopMask` and writes sum `first + i`.
struct ProductsPass {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t loopMask = 0;
    std::uint32_t flipMask = 0;
    std::uint32_t signMask = 0;
    std::uint32_t imaginary = 0; ///< 1: the imaginary part instead of the real one
};
static_assert(sizeof(ProductsPass) == 24);

/// conj(b[x ^ flipMask]) a[x], negative where an odd number of the bits of `signMask` are set in x, summed over some
/// bits of x; read with `readSums`. The buffers may be one.
void sumProducts(Recorder& recorder, const Device& device, Real real, const ProductsPass& pass, const Buffer& a,
                 const Buffer& b, const Buffer& sums);

} // namespace qscope::gpu
