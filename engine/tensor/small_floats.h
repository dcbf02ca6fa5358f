// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <array>
#include <cstdint>
#include <limits>

namespace qscope::engine {

/// What the codes of a floating-point format of eight bits or fewer mean. Sign first, then exponent, then fraction.
/// Sources: OCP 8-bit floating point specification 1.0 (E4M3, E5M2); OCP microscaling formats 1.0 (E2M3, E3M2, E2M1,
/// E8M0); Noune et al., "8-bit numerical formats for deep neural networks", 2022 (FNUZ).
struct SmallFloat {
    enum class Special : std::uint8_t {
        None,        ///< every code is a number
        Ieee,        ///< the top exponent holds infinity and NaN
        TopCodeNan,  ///< the largest magnitude is NaN, no infinity
        MinusZeroNan ///< the code of -0 is NaN, no infinity
    };
    int exponentBits;
    int fractionBits;
    int bias;
    Special special;
};

/// 2^exponent, for exponents from -1074 to 1023.
[[nodiscard]] constexpr double powerOfTwo(int exponent) {
    double power = 1;
    for (; exponent > 0; --exponent) power *= 2;
    for (; exponent < 0; ++exponent) power /= 2;
    return power;
}

[[nodiscard]] constexpr float valueOf(const SmallFloat& format, int code) {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    const int magnitudeBits = format.exponentBits + format.fractionBits;
    const int magnitude = code & ((1 << magnitudeBits) - 1);
    const int exponent = magnitude >> format.fractionBits;
    const int fraction = magnitude & ((1 << format.fractionBits) - 1);
    const float sign = code >> magnitudeBits != 0 ? -1.f : 1.f;
    if (format.special == SmallFloat::Special::Ieee && exponent == (1 << format.exponentBits) - 1)
        return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : nan;
    if (format.special == SmallFloat::Special::TopCodeNan && magnitude == (1 << magnitudeBits) - 1) return nan;
    if (format.special == SmallFloat::Special::MinusZeroNan && code == 1 << magnitudeBits) return nan;
    const double significand = exponent == 0 ? fraction : fraction + (1 << format.fractionBits);
    const int power = (exponent == 0 ? 1 : exponent) - format.bias - format.fractionBits;
    return sign * static_cast<float>(significand * powerOfTwo(power));
}

/// A power of two without sign or fraction: 2^(code - 127), 255 is NaN.
[[nodiscard]] constexpr float valueOfE8M0(int code) {
    if (code == 255) return std::numeric_limits<float>::quiet_NaN();
    return static_cast<float>(powerOfTwo(code - 127));
}

template<std::size_t Codes>
[[nodiscard]] constexpr std::array<float, Codes> tableOf(const SmallFloat& format) {
    std::array<float, Codes> table{};
    for (std::size_t code = 0; code < Codes; ++code) table[code] = valueOf(format, static_cast<int>(code));
    return table;
}

[[nodiscard]] constexpr std::array<float, 256> tableOfE8M0() {
    std::array<float, 256> table{};
    for (int code = 0; code < 256; ++code) table[static_cast<std::size_t>(code)] = valueOfE8M0(code);
    return table;
}

inline constexpr auto kE4M3 = tableOf<256>({4, 3, 7, SmallFloat::Special::TopCodeNan});
inline constexpr auto kE5M2 = tableOf<256>({5, 2, 15, SmallFloat::Special::Ieee});
inline constexpr auto kE4M3Fnuz = tableOf<256>({4, 3, 8, SmallFloat::Special::MinusZeroNan});
inline constexpr auto kE5M2Fnuz = tableOf<256>({5, 2, 16, SmallFloat::Special::MinusZeroNan});
inline constexpr auto kE8M0 = tableOfE8M0();
inline constexpr auto kE2M3 = tableOf<64>({2, 3, 1, SmallFloat::Special::None});
inline constexpr auto kE3M2 = tableOf<64>({3, 2, 3, SmallFloat::Special::None});
inline constexpr auto kE2M1 = tableOf<16>({2, 1, 1, SmallFloat::Special::None});

} // namespace qscope::engine
