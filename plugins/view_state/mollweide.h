// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <numbers>
#include <optional>

namespace qscope {

struct Direction {
    double theta = 0; ///< from the north pole
    double phi = 0;   ///< in [-pi, pi]
};

/// The direction at a point of Mollweide's equal-area map, x and y in [-1, 1] over the ellipse's axes (y up); nothing
/// outside. sin(a) = y; latitude = arcsin((2 a + sin 2 a) / pi), longitude = pi x / cos(a). Source: Snyder, "Map
/// projections: a working manual", USGS paper 1395, p. 251.
[[nodiscard]] inline std::optional<Direction> mollweideDirection(double x, double y) {
    if (x * x + y * y > 1) return std::nullopt;
    constexpr double pi = std::numbers::pi;
    const double a = std::asin(y);
    const double latitude = std::asin(std::fmin(1, std::fmax(-1, (2 * a + std::sin(2 * a)) / pi)));
    const double across = std::cos(a);
    return Direction{pi / 2 - latitude, across > 1e-12 ? pi * x / across : 0};
}

} // namespace qscope
