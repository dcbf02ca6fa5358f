// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace qscope::engine {

/// What one multiply-accumulate of two small floats takes, in one-bit adders: our own proxy, not the FPGA measurements
/// of Aggarwal et al. (2023), whose formulas are not published. The product of the significands, the sum of the
/// exponents, and an accumulator that holds any sum of `terms` products exactly (Kulisch).
struct MultiplyCost {
    int multiplier = 0;
    int exponents = 0;
    int accumulator = 0;
    [[nodiscard]] int total() const { return multiplier + exponents + accumulator; }
};

[[nodiscard]] inline MultiplyCost multiplyCost(int weightExponent, int weightFraction, int inputExponent,
                                               int inputFraction, std::int64_t terms) {
    const int log = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(1, terms) - 1)));
    return {(weightFraction + 1) * (inputFraction + 1), std::max(weightExponent, inputExponent) + 1,
            (1 << weightExponent) + (1 << inputExponent) + weightFraction + inputFraction + log};
}

} // namespace qscope::engine
