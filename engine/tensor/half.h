// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace qscope::engine {

/// IEEE half precision to single; exact. Branch-free, so that loops over it vectorise.
[[nodiscard]] constexpr float halfToFloat(std::uint16_t half) {
    const std::uint32_t magnitude = (half & 0x7FFFu) << 13;
    const std::uint32_t exponent = magnitude & (0x1Fu << 23);
    // Normal: exponent bias 15 to 127. Infinite and NaN: up to the top exponent.
    const std::uint32_t normal = magnitude + (112u << 23) + (exponent == (0x1Fu << 23) ? 112u << 23 : 0u);
    // Subnormal: the fraction of a number of exponent -14, less that number; no subnormal single appears on the way.
    const float subnormal = std::bit_cast<float>(magnitude + (113u << 23)) - std::bit_cast<float>(113u << 23);
    const std::uint32_t bits = exponent == 0 ? std::bit_cast<std::uint32_t>(subnormal) : normal;
    return std::bit_cast<float>(bits | (half & 0x8000u) << 16);
}

/// Single precision to half, to nearest, ties to even; too large gives infinity, NaN stays NaN.
[[nodiscard]] constexpr std::uint16_t floatToHalf(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    std::uint32_t half;
    if (magnitude > 0x7F800000u) half = 0x7E00u | (magnitude >> 13 & 0x1FFu);
    else if (magnitude >= 0x477FF000u) half = 0x7C00u;
    else if (magnitude >= 0x38800000u) half = (magnitude - (112u << 23) + 0xFFFu + (magnitude >> 13 & 1u)) >> 13;
    // Adding 0.5 lines the value up so that the last fraction bit is worth 2^-24, and rounds it.
    else half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000u;
    return static_cast<std::uint16_t>(half | (bits >> 16 & 0x8000u));
}

/// bfloat16 to single; exact.
[[nodiscard]] constexpr float bfloat16ToFloat(std::uint16_t value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// Single precision to bfloat16, to nearest, ties to even; NaN stays NaN.
[[nodiscard]] constexpr std::uint16_t floatToBfloat16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

/// Whole arrays, with the machine's own instructions where it has them. Sizes are equal.
void halfToFloat(std::span<const std::uint16_t> halves, std::span<float> values);

} // namespace qscope::engine
