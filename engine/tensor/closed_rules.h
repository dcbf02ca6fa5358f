// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/simd.h"

#include <cmath>

namespace qscope::engine::detail {

// What the encoders of simple blocks decide once per block, shared by all their versions. Blocks have 32 values.

/// The value of largest magnitude, the first of equals, or 0.
inline float peakOf(const float* x) {
    float peak = 0;
    for (int e = 0; e < 32; ++e)
        if (std::fabs(x[e]) > std::fabs(peak)) peak = x[e];
    return peak;
}

/// The first zero of a block that has one; which sign it has is stored.
inline float firstZeroOf(const float* x) {
    while (*x != 0) ++x;
    return *x;
}

struct ScaleAndMinimum {
    float scale, minimum;
};

/// The grid of codes 0 to `top` from the least value of a block to the largest.
QSCOPE_ALWAYS_INLINE ScaleAndMinimum gridBetween(float low, float high, float top) {
    const float range = high > low ? high - low : 0;
    // A range beyond single precision saturates the half-precision scale anyway; what matters is that it stays finite.
    return {range - range == 0 ? range / top : high / top - low / top, low};
}

/// The E8M0 code of floor(log2(largest)) - 2, so that the largest lands on 4 to 8 of a grid that ends at 6.
QSCOPE_ALWAYS_INLINE std::int32_t mxfp4Exponent(float largest) {
    const std::int32_t exponent = bitsOf(largest) >> 23;
    return exponent > 2 ? exponent - 2 : 0;
}

} // namespace qscope::engine::detail
