// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

/// One axis of a chart. Logarithmic axes show powers of ten; whole ones put ticks on integers only.
struct ChartAxis {
    enum class Scale { Linear, Logarithmic, Whole };
    std::string title; ///< quantity and unit
    Scale scale = Scale::Linear;
};

/// A second reading of the vertical axis: the text at the right of each tick.
struct ChartRightAxis {
    std::string title;
    std::function<std::string(double)> text;
};

struct ChartPoint {
    double x = 0;
    double y = 0;
    std::string tooltip;
};

/// Points of one colour, joined to a line or not. Category colours repeat after eight; then dash and marker change.
struct ChartSeries {
    std::string name;  ///< written beside its last point; empty: none
    int category = -1; ///< -1: neutral
    bool joined = true;
    bool marked = true;
    std::vector<ChartPoint> points;
};

struct Chart {
    std::string title; ///< says what is shown; read aloud in place of the picture
    ChartAxis x;
    ChartAxis y;
    std::optional<ChartRightAxis> right;
    std::vector<ChartSeries> series;
};

/// The picture as an `svg` element. Colours are the page's CSS variables --text, --muted, --grid, --surface and
/// --c0 ... --c7. Points that an axis cannot show (infinite; zero on a logarithmic one) are left out.
[[nodiscard]] std::string svgChart(const Chart& chart);

} // namespace qscope::engine
