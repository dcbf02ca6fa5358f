// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/test_data.h"

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace qscope::test {

template<class T>
constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
template<class T>
constexpr T kInf = std::numeric_limits<T>::infinity();
/// Largest relative error of one rounding.
template<class T>
constexpr double kRounding = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;

/// Normal values; the same for the same seed.
template<class T>
[[nodiscard]] std::vector<T> normal(std::int64_t count, unsigned seed, double deviation = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> distribution(0, deviation);
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = static_cast<T>(distribution(generator));
    return values;
}

} // namespace qscope::test
