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

// The encoders of the K types and of Q4_0 under importance; see `encodeBlocks`. `importance` is null or one weight per value.
void encodeQ4_0Weighted(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks);
void encodeQ4_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks);
void encodeQ6_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks);

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
