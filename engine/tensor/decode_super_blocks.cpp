// SPDX-License-Identifier: GPL-3.0-or-later
// The types of 256 values: K blocks, IQ4_XS and the ternary types.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"

namespace qscope::engine::detail {

using Byte = std::uint8_t;

// Within a K block: half h of 128 elements, quarter j of 32 within the half, element l within the quarter.

void decodeQ2_K(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 84, y += kSuperBlock) {
        const float d = loadHalf(block + 80);
        const float dmin = loadHalf(block + 82);
        for (int e = 0; e < kSuperBlock; ++e) {
            const int scale = block[e / 16];
            const int q = block[16 + 32 * (e / 128) + e % 32] >> 2 * (e % 128 / 32) & 3;
            y[e] = d * static_cast<float>(scale & 15) * static_cast<float>(q) - dmin * static_cast<float>(scale >> 4);
        }
    }
}

void decodeQ3_K(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 110, y += kSuperBlock) {
        const float d = loadHalf(block + 108);
        const Byte* const packed = block + 96;
        for (int k = 0; k < 16; ++k) {
            const int low = k < 8 ? packed[k] & 15 : packed[k - 8] >> 4;
            const int high = packed[8 + k % 4] >> 2 * (k / 4) & 3;
            const float scale = d * static_cast<float>((low | high << 4) - 32);
            for (int e = 16 * k; e < 16 * k + 16; ++e) {
                const int h = e / 128, j = e % 128 / 32, l = e % 32;
                const int q = (block[32 + 32 * h + l] >> 2 * j & 3) - ((block[l] >> (4 * h + j) & 1) != 0 ? 0 : 4);
                y[e] = scale * static_cast<float>(q);
            }
        }
    }
}

QSCOPE_MULTIVERSION void decodeQ4_K(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 144, y += kSuperBlock) {
        const float d = loadHalf(block);
        const float dmin = loadHalf(block + 2);
        const SixBitPairs pairs = loadSixBitPairs(block + 4);
        for (std::size_t s = 0; s < 8; s += 2) {
            const Byte* const q = block + 16 + 16 * s;
            const float low = d * pairs.scales[s], lowMin = dmin * pairs.minima[s];
            const float high = d * pairs.scales[s + 1], highMin = dmin * pairs.minima[s + 1];
            for (std::size_t l = 0; l < 32; ++l) y[32 * s + l] = low * static_cast<float>(q[l] & 15) - lowMin;
            for (std::size_t l = 0; l < 32; ++l) y[32 * s + 32 + l] = high * static_cast<float>(q[l] >> 4) - highMin;
        }
    }
}

QSCOPE_MULTIVERSION void decodeQ5_K(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 176, y += kSuperBlock) {
        const float d = loadHalf(block);
        const float dmin = loadHalf(block + 2);
        const SixBitPairs pairs = loadSixBitPairs(block + 4);
        for (std::size_t s = 0; s < 8; ++s) {
            const Byte* const q = block + 48 + 32 * (s / 2);
            const unsigned shift = s % 2 == 0 ? 0 : 4;
            const float scale = d * pairs.scales[s], minimum = dmin * pairs.minima[s];
            for (std::size_t l = 0; l < 32; ++l)
                y[32 * s + l] =
                    scale * static_cast<float>((q[l] >> shift & 15) | (block[16 + l] >> s & 1) << 4) - minimum;
        }
    }
}

QSCOPE_MULTIVERSION void decodeQ6_K(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 210, y += kSuperBlock) {
        const float d = loadHalf(block + 208);
        for (int k = 0; k < 16; ++k) {
            const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + k]));
            const int h = k / 8, j = k % 8 / 2;
            const Byte* const low = block + 64 * h + 32 * (j & 1) + 16 * (k & 1);
            const Byte* const high = block + 128 + 32 * h + 16 * (k & 1);
            for (int l = 0; l < 16; ++l) {
                const int q = (low[l] >> (j < 2 ? 0 : 4) & 15) | (high[l] >> 2 * j & 3) << 4;
                y[16 * k + l] = scale * static_cast<float>(q - 32);
            }
        }
    }
}

void decodeQ8_K(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 292, y += kSuperBlock) {
        float d;
        std::memcpy(&d, block, sizeof d); // in single precision; sums of the codes follow them
        for (int e = 0; e < kSuperBlock; ++e) y[e] = d * static_cast<float>(static_cast<std::int8_t>(block[4 + e]));
    }
}

void decodeIQ4_XS(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 136, y += kSuperBlock) {
        const float d = loadHalf(block);
        const int high = block[2] | block[3] << 8;
        for (int s = 0; s < 8; ++s) {
            const int scale = (block[4 + s / 2] >> 4 * (s % 2) & 15) | (high >> 2 * s & 3) << 4;
            lookUpNibbles(block + 8 + 16 * s, d * static_cast<float>(scale - 32), kNonLinear, y + 32 * s);
        }
    }
}

void decodeTQ1_0(const Byte* block, float* y, std::size_t blocks) {
    constexpr std::array kPowersOfThree{1, 3, 9, 27, 81};
    // Digit n, most significant first, of five base-3 digits scaled to fill a byte.
    const auto digit = [&](int byte, int n) {
        return static_cast<float>(((byte * kPowersOfThree[static_cast<std::size_t>(n)] & 255) * 3 >> 8) - 1);
    };
    for (; blocks > 0; --blocks, block += 54, y += kSuperBlock) {
        const float d = loadHalf(block + 52);
        for (int e = 0; e < 160; ++e) y[e] = d * digit(block[e % 32], e / 32);
        for (int f = 0; f < 80; ++f) y[160 + f] = d * digit(block[32 + f % 16], f / 16);
        for (int f = 0; f < 16; ++f) y[240 + f] = d * digit(block[48 + f % 4], f / 4);
    }
}

void decodeTQ2_0(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 66, y += kSuperBlock) {
        const float d = loadHalf(block + 64);
        for (int e = 0; e < kSuperBlock; ++e)
            y[e] = d * static_cast<float>((block[32 * (e / 128) + e % 32] >> 2 * (e % 128 / 32) & 3) - 1);
    }
}

} // namespace qscope::engine::detail
