// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/simd.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qscope::engine {

namespace {

using namespace detail;
using Byte = std::uint8_t;

// The order of the multiplications is the reference decoder's, so that values agree to the last bit.

/// The sixteen values of IQ4_NL and IQ4_XS.
constexpr std::array<float, 16> kNonLinear{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// NVFP4's scales: E4M3 without a sign, whose top code stands for 0.
constexpr std::array<float, 256> unsignedE4M3() {
    std::array<float, 256> table{};
    for (std::size_t code = 0; code < 127; ++code) table[code] = table[code + 128] = kE4M3[code];
    return table;
}
constexpr auto kUnsignedE4M3 = unsignedE4M3();

QSCOPE_MULTIVERSION void decodeQ4_0(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 18, y += kBlock) {
        const float d = loadHalf(block);
        for (int j = 0; j < 16; ++j) y[j] = d * static_cast<float>((block[2 + j] & 15) - 8);
        for (int j = 0; j < 16; ++j) y[j + 16] = d * static_cast<float>((block[2 + j] >> 4) - 8);
    }
}

QSCOPE_MULTIVERSION void decodeQ4_1(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 20, y += kBlock) {
        const float d = loadHalf(block);
        const float m = loadHalf(block + 2);
        for (int j = 0; j < 16; ++j) y[j] = d * static_cast<float>(block[4 + j] & 15) + m;
        for (int j = 0; j < 16; ++j) y[j + 16] = d * static_cast<float>(block[4 + j] >> 4) + m;
    }
}

/// Five-bit code of element e: a nibble and one bit of a 32-bit word.
QSCOPE_ALWAYS_INLINE int fiveBits(const Byte* nibbles, std::uint32_t high, int e) {
    const int nibble = e < 16 ? nibbles[e] & 15 : nibbles[e - 16] >> 4;
    return nibble | static_cast<int>(high >> e & 1u) << 4;
}

void decodeQ5_0(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 22, y += kBlock) {
        const float d = loadHalf(block);
        std::uint32_t high;
        std::memcpy(&high, block + 2, sizeof high);
        for (int e = 0; e < kBlock; ++e) y[e] = d * static_cast<float>(fiveBits(block + 6, high, e) - 16);
    }
}

void decodeQ5_1(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 24, y += kBlock) {
        const float d = loadHalf(block);
        const float m = loadHalf(block + 2);
        std::uint32_t high;
        std::memcpy(&high, block + 4, sizeof high);
        for (int e = 0; e < kBlock; ++e) y[e] = d * static_cast<float>(fiveBits(block + 8, high, e)) + m;
    }
}

QSCOPE_MULTIVERSION void decodeQ8_0(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 34, y += kBlock) {
        const float d = loadHalf(block);
        for (int e = 0; e < kBlock; ++e) y[e] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + e]));
    }
}

/// Sixteen bytes of nibbles looked up in a table: low nibbles first, then the high ones.
void lookUpNibbles(const Byte* nibbles, float scale, const std::array<float, 16>& table, float* y) {
    for (int j = 0; j < 16; ++j) y[j] = scale * table[nibbles[j] & 15u];
    for (int j = 0; j < 16; ++j) y[j + 16] = scale * table[nibbles[j] >> 4];
}

void decodeIQ4_NL(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 18, y += kBlock) lookUpNibbles(block + 2, loadHalf(block), kNonLinear, y);
}

void decodeMXFP4(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 17, y += kBlock) {
        // Half the scale times twice the value: 2^(255 - 127) alone would be infinite, and E2M1 has halves.
        const float half = std::ldexp(1.f, block[0] - 128);
        for (int j = 0; j < 16; ++j) y[j] = half * (2 * kE2M1[block[1 + j] & 15u]);
        for (int j = 0; j < 16; ++j) y[j + 16] = half * (2 * kE2M1[block[1 + j] >> 4]);
    }
}

void decodeNVFP4(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 36, y += 64)
        for (int e = 0; e < 64; ++e) {
            const unsigned pair = block[4 + 8 * (e / 16) + e % 8];
            y[e] = kUnsignedE4M3[block[e / 16]] * kE2M1[e % 16 < 8 ? pair & 15u : pair >> 4];
        }
}

void decodeQ1_0(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 18, y += 128) {
        const float d = loadHalf(block);
        for (int e = 0; e < 128; ++e) y[e] = (block[2 + e / 8] >> e % 8 & 1) != 0 ? d : -d;
    }
}

void decodeQ2_0(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 18, y += 64) {
        const float d = loadHalf(block);
        for (int e = 0; e < 64; ++e) y[e] = d * static_cast<float>((block[2 + e / 4] >> 2 * (e % 4) & 3) - 1);
    }
}

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

struct Decoder {
    DType type;
    void (*decode)(const Byte*, float*, std::size_t);
};

constexpr std::array kDecoders{
    Decoder{DType::Q4_0, decodeQ4_0},     Decoder{DType::Q4_1, decodeQ4_1},     Decoder{DType::Q5_0, decodeQ5_0},
    Decoder{DType::Q5_1, decodeQ5_1},     Decoder{DType::Q8_0, decodeQ8_0},     Decoder{DType::IQ4_NL, decodeIQ4_NL},
    Decoder{DType::MXFP4, decodeMXFP4},   Decoder{DType::NVFP4, decodeNVFP4},   Decoder{DType::Q1_0, decodeQ1_0},
    Decoder{DType::Q2_0, decodeQ2_0},     Decoder{DType::Q2_K, decodeQ2_K},     Decoder{DType::Q3_K, decodeQ3_K},
    Decoder{DType::Q4_K, decodeQ4_K},     Decoder{DType::Q5_K, decodeQ5_K},     Decoder{DType::Q6_K, decodeQ6_K},
    Decoder{DType::IQ4_XS, decodeIQ4_XS}, Decoder{DType::TQ1_0, decodeTQ1_0},   Decoder{DType::TQ2_0, decodeTQ2_0},
};

} // namespace

bool canDecodeBlocks(DType type) { return std::ranges::find(kDecoders, type, &Decoder::type) != kDecoders.end(); }

void decodeBlocks(DType type, std::span<const std::byte> blocks, std::span<float> values) {
    const auto decoder = std::ranges::find(kDecoders, type, &Decoder::type);
    assert(decoder != kDecoders.end());
    const DTypeInfo& row = info(type);
    const std::size_t count = values.size() / static_cast<std::size_t>(row.blockLength);
    assert(count * static_cast<std::size_t>(row.blockBits / 8) == blocks.size());
    decoder->decode(reinterpret_cast<const Byte*>(blocks.data()), values.data(), count);
}

} // namespace qscope::engine
