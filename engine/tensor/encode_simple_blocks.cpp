// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks of 32 values with one scale, or a scale and a minimum, by the reference encoder's closed rules. Scale and
// minimum are used in single precision for the codes and stored as halves afterwards, as the reference does.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"

#include <cmath>

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

/// The value of largest magnitude, the first of equals. Magnitudes are compared as the bits of the numbers, which order
/// as the numbers do and let the compiler reorder the search.
QSCOPE_ALWAYS_INLINE float peakOf(const float* x) {
    std::int32_t high = 0, low = 0;
    for (int e = 0; e < kBlock; ++e) {
        const auto bits = bitsOf(x[e]);
        const std::int32_t negated = bits ^ INT32_MIN;
        high = bits > high ? bits : high;
        low = negated > low ? negated : low;
    }
    if (high != low) return high > low ? floatOf(high) : -floatOf(low);
    for (int e = 0; e < kBlock; ++e)
        if (bitsOf(std::fabs(x[e])) == high) return x[e];
    return 0;
}

/// Codes of a grid without a minimum, from 0 to 2 half - 1; the value of largest magnitude takes the code 0.
template<int Half>
QSCOPE_ALWAYS_INLINE float symmetricCodes(const float* x, std::uint32_t* codes) {
    const float d = peakOf(x) / -Half;
    const float inverse = inverseOf(d);
    for (int e = 0; e < kBlock; ++e) {
        const int code = static_cast<int>(x[e] * inverse + (Half + 0.5f));
        codes[e] = static_cast<std::uint32_t>(code > 2 * Half - 1 ? 2 * Half - 1 : code);
    }
    return d;
}

struct ScaleAndMinimum {
    float scale, minimum;
};

/// Codes of a grid from the least value to the largest, from 0 to Top.
template<int Top>
QSCOPE_ALWAYS_INLINE ScaleAndMinimum affineCodes(const float* x, std::uint32_t* codes) {
    float lows[8], highs[8]; // eight searches side by side, which vectors do at once
    for (int k = 0; k < 8; ++k) lows[k] = highs[k] = x[k];
    for (int e = 8; e < kBlock; e += 8)
        for (int k = 0; k < 8; ++k) {
            lows[k] = x[e + k] < lows[k] ? x[e + k] : lows[k];
            highs[k] = x[e + k] > highs[k] ? x[e + k] : highs[k];
        }
    float low = lows[0], high = highs[0];
    for (int k = 1; k < 8; ++k) {
        low = lows[k] < low ? lows[k] : low;
        high = highs[k] > high ? highs[k] : high;
    }
    const float range = high - low;
    // A range beyond single precision saturates the half-precision scale anyway; what matters is that it stays finite.
    const float d = range - range == 0 ? range / Top : high / Top - low / Top;
    const float inverse = inverseOf(d);
    for (int e = 0; e < kBlock; ++e) {
        const float code = (x[e] - low) * inverse + 0.5f;
        codes[e] = static_cast<std::uint32_t>(static_cast<int>(code > Top ? Top : code));
    }
    return {d, low};
}

} // namespace

QSCOPE_MULTIVERSION void encodeQ4_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 18) {
        std::uint32_t codes[kBlock];
        storeHalf(symmetricCodes<8>(x, codes), block);
        storeNibbles(codes, block + 2);
    }
}

QSCOPE_MULTIVERSION void encodeQ4_1(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 20) {
        std::uint32_t codes[kBlock];
        const auto [scale, minimum] = affineCodes<15>(x, codes);
        storeHalf(scale, block);
        storeHalf(minimum, block + 2);
        storeNibbles(codes, block + 4);
    }
}

QSCOPE_MULTIVERSION void encodeQ5_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 22) {
        std::uint32_t codes[kBlock];
        storeHalf(symmetricCodes<16>(x, codes), block);
        storeFifthBits(codes, block + 2);
        storeNibbles(codes, block + 6);
    }
}

QSCOPE_MULTIVERSION void encodeQ5_1(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 24) {
        std::uint32_t codes[kBlock];
        const auto [scale, minimum] = affineCodes<31>(x, codes);
        storeHalf(scale, block);
        storeHalf(minimum, block + 2);
        storeFifthBits(codes, block + 4);
        storeNibbles(codes, block + 8);
    }
}

QSCOPE_MULTIVERSION void encodeQ8_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 34) {
        const float d = magnitudeOf(x, kBlock) / 127;
        const float inverse = inverseOf(d);
        storeHalf(d, block);
        for (int e = 0; e < kBlock; ++e) block[2 + e] = static_cast<Byte>(roundAway(x[e] * inverse));
    }
}

} // namespace qscope::engine::detail
