// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks of 32 values with one scale, or a scale and a minimum, by the reference encoder's closed rules. Scale and
// minimum are used in single precision for the codes and stored as halves afterwards, as the reference does. Plain
// code: the rule to read, the oracle of encode_avx2.cpp, and what runs on machines without AVX2.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/closed_rules.h"

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

/// Codes of a grid without a minimum, from 0 to 2 half - 1; the value of largest magnitude takes the code 0.
template<int Half>
float symmetricCodes(const float* x, std::uint32_t* codes) {
    const float d = peakOf(x) / -Half;
    const float inverse = inverseOf(d);
    for (int e = 0; e < kBlock; ++e) {
        const int code = static_cast<int>(x[e] * inverse + (Half + 0.5f));
        codes[e] = static_cast<std::uint32_t>(code > 2 * Half - 1 ? 2 * Half - 1 : code);
    }
    return d;
}

/// Codes of a grid from the least value to the largest, from 0 to Top.
template<int Top>
ScaleAndMinimum affineCodes(const float* x, std::uint32_t* codes) {
    float low = x[0], high = x[0];
    for (int e = 1; e < kBlock; ++e) {
        low = x[e] < low ? x[e] : low;
        high = x[e] > high ? x[e] : high;
    }
    const ScaleAndMinimum grid = gridBetween(low, high, Top);
    const float inverse = inverseOf(grid.scale);
    for (int e = 0; e < kBlock; ++e) {
        const float code = (x[e] - low) * inverse + 0.5f;
        codes[e] = static_cast<std::uint32_t>(static_cast<int>(code > Top ? Top : code));
    }
    return grid;
}

} // namespace

void encodeQ4_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 18) {
        std::uint32_t codes[kBlock];
        storeHalf(symmetricCodes<8>(x, codes), block);
        storeNibbles(codes, block + 2);
    }
}

void encodeQ4_1(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 20) {
        std::uint32_t codes[kBlock];
        const auto [scale, minimum] = affineCodes<15>(x, codes);
        storeHalf(scale, block);
        storeHalf(minimum, block + 2);
        storeNibbles(codes, block + 4);
    }
}

void encodeQ5_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 22) {
        std::uint32_t codes[kBlock];
        storeHalf(symmetricCodes<16>(x, codes), block);
        storeFifthBits(codes, block + 2);
        storeNibbles(codes, block + 6);
    }
}

void encodeQ5_1(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 24) {
        std::uint32_t codes[kBlock];
        const auto [scale, minimum] = affineCodes<31>(x, codes);
        storeHalf(scale, block);
        storeHalf(minimum, block + 2);
        storeFifthBits(codes, block + 4);
        storeNibbles(codes, block + 8);
    }
}

void encodeQ8_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 34) {
        const float d = magnitudeOf(x, kBlock) / 127;
        const float inverse = inverseOf(d);
        storeHalf(d, block);
        for (int e = 0; e < kBlock; ++e) block[2 + e] = static_cast<Byte>(roundAway(x[e] * inverse));
    }
}

} // namespace qscope::engine::detail
