// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/readings.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

Interval wilsonInterval(std::int64_t count, std::int64_t shots, double z) {
    const auto n = static_cast<double>(shots);
    const double share = static_cast<double>(count) / n;
    const double shrink = 1 + z * z / n;
    const double centre = (share + z * z / (2 * n)) / shrink;
    const double reach = z / shrink * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    // At the ends the bound is exactly 0 or 1; only rounding says otherwise.
    return {count == 0 ? 0 : std::max(0.0, centre - reach), count == shots ? 1 : std::min(1.0, centre + reach)};
}

double wignerOf(const BlochVector& vector, double theta, double phi) {
    const double along =
        std::sin(theta) * (std::cos(phi) * vector[0] + std::sin(phi) * vector[1]) + std::cos(theta) * vector[2];
    return (1 + std::numbers::sqrt3 * along) / 2;
}

} // namespace qscope::engine
