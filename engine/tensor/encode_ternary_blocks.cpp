// SPDX-License-Identifier: GPL-3.0-or-later
// One and two bits, and three levels: a scale and a rounding each.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

/// round(x / largest magnitude) + 1 of a super-block, and that magnitude.
QSCOPE_ALWAYS_INLINE float ternaryCodes(const float* x, int count, std::uint32_t* codes) {
    const float d = magnitudeOf(x, count);
    const float inverse = inverseOf(d);
    for (int e = 0; e < count; ++e) codes[e] = static_cast<std::uint32_t>(roundAway(x[e] * inverse) + 1);
    return d;
}

/// `bytes` bytes of five base-3 digits each, scaled to fill a byte; digit n of byte m is element n * bytes + m. With
/// four digits the last is 0.
template<std::uint32_t Bytes, std::uint32_t Digits>
QSCOPE_ALWAYS_INLINE void storeDigits(const std::uint32_t* codes, Byte* to) {
    for (std::uint32_t m = 0; m < Bytes; ++m) {
        std::uint32_t number = 0;
        for (std::uint32_t n = 0; n < 5; ++n) number = 3 * number + (n < Digits ? codes[n * Bytes + m] : 0);
        to[m] = static_cast<Byte>((number * 256 + 242) / 243);
    }
}

/// Sums of the magnitudes of blocks that follow one another, each in the order of its values, which is the reference's
/// rounding; side by side, as every addition waits for the one before it.
template<int Blocks, int Length>
QSCOPE_ALWAYS_INLINE void addMagnitudes(const float* x, float* sums) {
    for (int e = 0; e < Length; ++e)
        for (int b = 0; b < Blocks; ++b) {
            const float value = x[b * Length + e];
            sums[b] += value < 0 ? -value : value;
        }
}

} // namespace

QSCOPE_MULTIVERSION void encodeTQ1_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kSuperBlock, block += 54) {
        std::uint32_t codes[kSuperBlock];
        storeHalf(ternaryCodes(x, kSuperBlock, codes), block + 52);
        storeDigits<32, 5>(codes, block);
        storeDigits<16, 5>(codes + 160, block + 32);
        storeDigits<4, 4>(codes + 240, block + 48);
    }
}

QSCOPE_MULTIVERSION void encodeTQ2_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kSuperBlock, block += 66) {
        std::uint32_t codes[kSuperBlock];
        storeHalf(ternaryCodes(x, kSuperBlock, codes), block + 64);
        storeTwoBits(codes, block);
    }
}

QSCOPE_MULTIVERSION void encodeQ1_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    constexpr int kLength = 128;
    while (blocks > 0) {
        float sums[4] = {};
        const int together = blocks >= 4 ? 4 : 1;
        if (together == 4)
            addMagnitudes<4, kLength>(x, sums);
        else
            addMagnitudes<1, kLength>(x, sums);
        for (int b = 0; b < together; ++b, --blocks, x += kLength, block += 18) {
            storeHalf(sums[b] / kLength, block);
            for (int k = 0; k < kLength / 8; ++k) {
                std::uint32_t bits = 0;
                for (std::uint32_t e = 0; e < 8; ++e) bits |= (x[8 * k + static_cast<int>(e)] >= 0 ? 1u : 0u) << e;
                block[2 + k] = static_cast<Byte>(bits);
            }
        }
    }
}

QSCOPE_MULTIVERSION void encodeQ2_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    constexpr int kLength = 64;
    for (; blocks > 0; --blocks, x += kLength, block += 18) {
        std::uint32_t codes[kLength];
        storeHalf(ternaryCodes(x, kLength, codes), block);
        for (int k = 0; k < kLength / 4; ++k) {
            const std::uint32_t* const q = codes + 4 * k;
            block[2 + k] = static_cast<Byte>(q[0] | q[1] << 2 | q[2] << 4 | q[3] << 6);
        }
    }
}

} // namespace qscope::engine::detail
