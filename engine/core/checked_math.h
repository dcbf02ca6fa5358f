// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <concepts>
#include <optional>
#include <span>

namespace qscope {

/// a * b, or nothing when it does not fit. For sizes that come from a file.
template<std::integral T>
[[nodiscard]] constexpr std::optional<T> checkedMul(T a, T b) {
    T result{};
    if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
    return result;
}

/// a + b, or nothing when it does not fit.
template<std::integral T>
[[nodiscard]] constexpr std::optional<T> checkedAdd(T a, T b) {
    T result{};
    if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
    return result;
}

/// Product of all factors (1 for none), or nothing when it does not fit.
template<std::integral T>
[[nodiscard]] constexpr std::optional<T> checkedProduct(std::span<const T> factors) {
    T product = 1;
    for (const T factor : factors)
        if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
    return product;
}

/// a / b rounded up, for a >= 0 and b > 0.
template<std::integral T>
[[nodiscard]] constexpr T ceilDiv(T a, T b) {
    return a / b + (a % b != 0);
}

} // namespace qscope
