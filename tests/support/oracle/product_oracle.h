// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>

namespace qscope::test {

/// An exact-enough sum and what bounds its rounding.
struct OracleSum {
    long double value = 0;
    long double magnitude = 0; // sum of |terms|
};

/// sum over p < inner of left(p) * right(p), from the definition.
template<class Left, class Right>
[[nodiscard]] OracleSum naiveDot(std::int64_t inner, const Left& left, const Right& right) {
    OracleSum sum;
    for (std::int64_t p = 0; p < inner; ++p) {
        const long double term = left(p) * right(p);
        sum.value += term;
        sum.magnitude += std::fabs(term);
    }
    return sum;
}

} // namespace qscope::test
