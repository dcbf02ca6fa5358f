// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/simd.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace qscope::engine::detail {

// Where the parts of a GGUF block lie, shared by its decoder and its encoder. Offsets are bytes from the block's start.

inline constexpr int kBlock = 32;       ///< elements of a simple block
inline constexpr int kSuperBlock = 256; ///< elements of a K block

inline float loadHalf(const std::uint8_t* at) {
    std::uint16_t half;
    std::memcpy(&half, at, sizeof half);
    return halfToFloat(half);
}

/// What a decoder reads of a scale: the nearest half, the largest finite one at most.
inline float asHalf(float value) { return halfToFloat(floatToHalf(std::clamp(value, -65504.f, 65504.f))); }

QSCOPE_ALWAYS_INLINE void storeHalf(float value, std::uint8_t* at) {
    const std::uint16_t half = floatToHalf(std::clamp(value, -65504.f, 65504.f));
    std::memcpy(at, &half, sizeof half);
}

/// To the nearest integer, ties to even, for |value| below 2^22: one addition and one subtraction on every machine.
QSCOPE_ALWAYS_INLINE float roundToEven(float value) {
    constexpr float magic = 0x1.8p23f;
    return (value + magic) - magic;
}

/// To the nearest integer, ties away from zero, for |value| below 2^31.
QSCOPE_ALWAYS_INLINE int roundAway(float value) {
    const int whole = static_cast<int>(value);
    const float rest = value - static_cast<float>(whole);
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

/// 1 / value, or 0 where that is not finite.
QSCOPE_ALWAYS_INLINE float inverseOf(float value) {
    const float inverse = 1 / value;
    return inverse - inverse == 0 ? inverse : 0;
}

/// The largest magnitude. Compared as the bits of the numbers, which order as the numbers do and let the compiler
/// reorder the search.
QSCOPE_ALWAYS_INLINE float magnitudeOf(const float* x, int count) {
    std::int32_t most = 0;
    for (int e = 0; e < count; ++e) {
        const std::int32_t magnitude = bitsOf(x[e]) & INT32_MAX;
        most = magnitude > most ? magnitude : most;
    }
    return floatOf(most);
}

/// The sixteen values of IQ4_NL and IQ4_XS.
inline constexpr std::array<float, 16> kNonLinear{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Sixteen bytes of nibbles looked up in a table: low nibbles first, then the high ones.
inline void lookUpNibbles(const std::uint8_t* nibbles, float scale, const std::array<float, 16>& table, float* y) {
    for (int j = 0; j < 16; ++j) y[j] = scale * table[nibbles[j] & 15u];
    for (int j = 0; j < 16; ++j) y[j + 16] = scale * table[nibbles[j] >> 4];
}

/// Codes of 32 elements as nibbles: low ones for the first half, high ones for the second.
template<class Code>
QSCOPE_ALWAYS_INLINE void storeNibbles(const Code* codes, std::uint8_t* to) {
    for (int j = 0; j < 16; ++j) to[j] = static_cast<std::uint8_t>((codes[j] & 15u) | (codes[j + 16] & 15u) << 4);
}

/// Bits above the fourth of 32 codes, element e's at bit e.
template<class Code>
QSCOPE_ALWAYS_INLINE void storeFifthBits(const Code* codes, std::uint8_t* to) {
    std::uint8_t high[kBlock];
    for (int e = 0; e < kBlock; ++e) high[e] = static_cast<std::uint8_t>(codes[e] >> 4);
    for (int k = 0; k < kBlock / 8; ++k) {
        std::uint64_t bits;
        std::memcpy(&bits, high + 8 * k, sizeof bits);
        to[k] = static_cast<std::uint8_t>(bits * 0x0102040810204080 >> 56); // gathers bit 0 of eight bytes
    }
}

/// 256 codes of two bits as Q2_K, Q3_K and TQ2_0 lay them out: elements 32 apart share a byte.
template<class Code>
QSCOPE_ALWAYS_INLINE void storeTwoBits(const Code* codes, std::uint8_t* to) {
    for (int i = 0; i < 64; ++i) {
        const Code* const q = codes + 128 * (i / 32) + i % 32;
        to[i] = static_cast<std::uint8_t>(q[0] | q[32] << 2 | q[64] << 4 | q[96] << 6);
    }
}

/// The eight 6-bit scales and minima of Q4_K and Q5_K, packed in twelve bytes.
struct SixBitPairs {
    std::array<std::uint8_t, 8> scales;
    std::array<std::uint8_t, 8> minima;
};

inline SixBitPairs loadSixBitPairs(const std::uint8_t* b) {
    SixBitPairs pairs{};
    for (std::size_t k = 0; k < 4; ++k) {
        pairs.scales[k] = b[k] & 63;
        pairs.minima[k] = b[k + 4] & 63;
        pairs.scales[k + 4] = static_cast<std::uint8_t>((b[k + 8] & 15) | b[k] >> 6 << 4);
        pairs.minima[k + 4] = static_cast<std::uint8_t>(b[k + 8] >> 4 | b[k + 4] >> 6 << 4);
    }
    return pairs;
}

inline void storeSixBitPairs(const SixBitPairs& pairs, std::uint8_t* b) {
    for (std::size_t k = 0; k < 4; ++k) {
        b[k] = static_cast<std::uint8_t>(pairs.scales[k] | pairs.scales[k + 4] >> 4 << 6);
        b[k + 4] = static_cast<std::uint8_t>(pairs.minima[k] | pairs.minima[k + 4] >> 4 << 6);
        b[k + 8] = static_cast<std::uint8_t>((pairs.scales[k + 4] & 15) | (pairs.minima[k + 4] & 15) << 4);
    }
}

} // namespace qscope::engine::detail
