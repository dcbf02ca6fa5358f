// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qscope::engine {

namespace detail {

namespace {

using Byte = std::uint8_t;

/// NVFP4's scales: E4M3 without a sign, whose top code stands for 0.
constexpr std::array<float, 256> unsignedE4M3() {
    std::array<float, 256> table{};
    for (std::size_t code = 0; code < 127; ++code) table[code] = table[code + 128] = kE4M3[code];
    return table;
}
constexpr auto kUnsignedE4M3 = unsignedE4M3();

/// Five-bit code of element e: a nibble and one bit of a 32-bit word.
QSCOPE_ALWAYS_INLINE int fiveBits(const Byte* nibbles, std::uint32_t high, int e) {
    const int nibble = e < 16 ? nibbles[e] & 15 : nibbles[e - 16] >> 4;
    return nibble | static_cast<int>(high >> e & 1u) << 4;
}

} // namespace

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

QSCOPE_MULTIVERSION void decodeQ8_1(const Byte* __restrict block, float* __restrict y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 36, y += kBlock) {
        const float d = loadHalf(block); // the sum of the values follows it
        for (int e = 0; e < kBlock; ++e) y[e] = d * static_cast<float>(static_cast<std::int8_t>(block[4 + e]));
    }
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

} // namespace detail

namespace {

struct Decoder {
    DType type;
    detail::BlockDecoder* decode;
};

using namespace detail;
constexpr std::array kDecoders{
    Decoder{DType::Q4_0, decodeQ4_0}, Decoder{DType::Q4_1, decodeQ4_1}, Decoder{DType::Q5_0, decodeQ5_0},
    Decoder{DType::Q5_1, decodeQ5_1}, Decoder{DType::Q8_0, decodeQ8_0}, Decoder{DType::Q8_1, decodeQ8_1},
    Decoder{DType::IQ4_NL, decodeIQ4_NL}, Decoder{DType::MXFP4, decodeMXFP4}, Decoder{DType::NVFP4, decodeNVFP4},
    Decoder{DType::Q1_0, decodeQ1_0}, Decoder{DType::Q2_0, decodeQ2_0}, Decoder{DType::Q2_K, decodeQ2_K},
    Decoder{DType::Q3_K, decodeQ3_K}, Decoder{DType::Q4_K, decodeQ4_K}, Decoder{DType::Q5_K, decodeQ5_K},
    Decoder{DType::Q6_K, decodeQ6_K}, Decoder{DType::Q8_K, decodeQ8_K}, Decoder{DType::IQ4_XS, decodeIQ4_XS},
    Decoder{DType::TQ1_0, decodeTQ1_0}, Decoder{DType::TQ2_0, decodeTQ2_0}, Decoder{DType::IQ2_XXS, decodeIQ2_XXS},
    Decoder{DType::IQ2_XS, decodeIQ2_XS}, Decoder{DType::IQ2_S, decodeIQ2_S}, Decoder{DType::IQ3_XXS, decodeIQ3_XXS},
    Decoder{DType::IQ3_S, decodeIQ3_S}, Decoder{DType::IQ1_S, decodeIQ1_S}, Decoder{DType::IQ1_M, decodeIQ1_M},
};

} // namespace

bool canDecodeBlocks(DType type) { return std::ranges::find(kDecoders, type, &Decoder::type) != kDecoders.end(); }

void decodeBlocks(DType type, std::span<const std::byte> blocks, std::span<float> values) {
    const auto decoder = std::ranges::find(kDecoders, type, &Decoder::type);
    assert(decoder != kDecoders.end());
    const DTypeInfo& row = info(type);
    const std::size_t count = values.size() / static_cast<std::size_t>(row.blockLength);
    assert(count * static_cast<std::size_t>(row.blockBits / 8) == blocks.size());
    decoder->decode(reinterpret_cast<const std::uint8_t*>(blocks.data()), values.data(), count);
}

} // namespace qscope::engine
