// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/svg_chart.h"

#include "engine/report/chart_axis.h"
#include "tests/unit/report/markup.h"

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;
using Scale = ChartAxis::Scale;

namespace {

std::vector<std::string> textsOf(const AxisMap& axis) {
    std::vector<std::string> texts;
    for (const ChartTick& tick : axis.ticks)
        if (!tick.text.empty()) texts.push_back(tick.text);
    return texts;
}

} // namespace

TEST_CASE("ticks fall on round numbers and the axis ends on them", "[report]") {
    CHECK(textsOf(makeAxis(Scale::Linear, {4.13, 8.5}, 0, 100)) == std::vector<std::string>{"4", "5", "6", "7", "8", "9"});
    CHECK(textsOf(makeAxis(Scale::Linear, {-0.12, 0.31}, 0, 100)) ==
          std::vector<std::string>{"−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3", "0.4"});
    CHECK(textsOf(makeAxis(Scale::Logarithmic, {0.0004, 0.02}, 0, 100)) ==
          std::vector<std::string>{"10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"});
    CHECK(textsOf(makeAxis(Scale::Whole, {0, 5}, 0, 100)) == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
    CHECK(textsOf(makeAxis(Scale::Whole, {0, 79}, 0, 100)) == std::vector<std::string>{"0", "20", "40", "60"});
}

TEST_CASE("every value that an axis shows lies between its ends", "[report]") {
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<std::vector<double>> sets{{}, {0}, {3}, {-3, -3}, {1e-300, 1e300}, {0.1, 0.1000001}, {infinity, 2},
                                                {std::nan(""), -7, 12}, {0, 1e-12}, {1, 2, 5e6}, {-1e9, 1e9}};
    for (const Scale scale : {Scale::Linear, Scale::Logarithmic, Scale::Whole})
        for (const auto& values : sets) {
            if (scale == Scale::Whole && values.size() == 2 && values[1] > 1e100) continue; // counts are not that large
            const AxisMap axis = makeAxis(scale, values, 300, 20);
            CHECK(axis.ticks.size() < 100);
            CHECK_FALSE(axis.shows(infinity));
            CHECK_FALSE(axis.shows(std::nan("")));
            for (const double value : values) {
                if (!axis.shows(value)) continue;
                CHECK(axis.at(value) <= 300.0001);
                CHECK(axis.at(value) >= 19.9999);
            }
        }
    CHECK_FALSE(makeAxis(Scale::Logarithmic, {1}, 0, 1).shows(0));
    CHECK_FALSE(makeAxis(Scale::Logarithmic, {1}, 0, 1).shows(-1));
}

TEST_CASE("a chart is well-formed SVG that shows its points, names and axes", "[report]") {
    Chart chart{"Error <of> layers", {"Layer", Scale::Whole}, {"Relative MSE", Scale::Logarithmic}, std::nullopt, {}};
    for (int i = 0; i < 20; ++i) {
        ChartSeries series{"method & " + std::to_string(i), i, i % 2 == 0, true, {}};
        for (int layer = 0; layer < 6; ++layer) series.points.push_back({static_cast<double>(layer), layer == 3 ? 0.0 : 1e-3 * (i + 1), "<tip>"});
        chart.series.push_back(series);
    }
    const std::string svg = svgChart(chart);
    const std::string text = test::textOfWellFormed(svg);
    CHECK(text.find("Layer") != std::string::npos);
    CHECK(text.find("Relative MSE") != std::string::npos);
    for (int i = 0; i < 20; ++i) CHECK(text.find("method &amp; " + std::to_string(i)) != std::string::npos);
    CHECK(svg.find("aria-label=\"Error &lt;of&gt; layers\"") != std::string::npos);
    CHECK(svg.find("<tip>") == std::string::npos);
    std::size_t markers = 0;
    for (auto at = svg.find("<path d=\"M"); at != std::string::npos; at = svg.find("<path d=\"M", at + 1)) ++markers;
    CHECK(markers == 20 * 5 + 10); // five points each, as zero has no place on a logarithmic axis; ten lines
}

TEST_CASE("a chart without points is still a picture of its axes", "[report]") {
    const std::string svg = svgChart({"", {"x", Scale::Linear}, {"y", Scale::Logarithmic},
                                      ChartRightAxis{"right", [](double) { return std::string("r"); }}, {}});
    CHECK(test::textOfWellFormed(svg).find("right") != std::string::npos);
}
