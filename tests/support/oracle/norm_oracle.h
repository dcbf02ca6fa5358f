// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace qscope::test {

// One row at a time, from the definitions, in extended precision.

using Row = std::vector<long double>;

[[nodiscard]] inline long double naiveMean(const Row& x) {
    long double sum = 0;
    for (const auto value : x) sum += value;
    return sum / static_cast<long double>(x.size());
}

[[nodiscard]] inline Row naiveRmsNorm(const Row& x, long double epsilon) {
    long double squares = 0;
    for (const auto value : x) squares += value * value;
    Row y;
    for (const auto value : x) y.push_back(value / std::sqrt(squares / static_cast<long double>(x.size()) + epsilon));
    return y;
}

[[nodiscard]] inline Row naiveLayerNorm(const Row& x, long double epsilon) {
    Row centred;
    for (const auto value : x) centred.push_back(value - naiveMean(x));
    return naiveRmsNorm(centred, epsilon);
}

/// Logarithms of the softmax.
[[nodiscard]] inline Row naiveLogSoftmax(const Row& x) {
    const long double largest = x.empty() ? 0 : *std::max_element(x.begin(), x.end());
    long double sum = 0;
    for (const auto value : x) sum += std::exp(value - largest);
    Row y;
    for (const auto value : x) y.push_back(value - largest - std::log(sum));
    return y;
}

} // namespace qscope::test
