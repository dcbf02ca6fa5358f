// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/axis.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;

namespace {

std::vector<double> majors(const std::vector<Tick>& ticks) {
    std::vector<double> values;
    for (const Tick& tick : ticks)
        if (tick.major) values.push_back(tick.value);
    return values;
}

QStringList labels(const std::vector<Tick>& ticks) {
    QStringList texts;
    for (const Tick& tick : ticks)
        if (!tick.label.isEmpty()) texts << tick.label;
    return texts;
}

} // namespace

TEST_CASE("Linear ticks fall on 1, 2 or 5 times a power of ten and never exceed their number") {
    for (const double low : {-7.3, 0.0, 12345.0, -0.0021})
        for (const double length : {1e-6, 0.37, 1.0, 8.0, 950.0, 3.2e9})
            for (const int most : {2, 5, 9}) {
                const Range range{low, low + length};
                const auto values = majors(linearTicks(range, most));
                CAPTURE(low, length, most, values.size());
                CHECK(static_cast<int>(values.size()) <= most + 1);
                CHECK(values.size() >= 1);
                for (std::size_t i = 0; i < values.size(); ++i) {
                    CHECK(values[i] >= range.low - length * 1e-6);
                    CHECK(values[i] <= range.high + length * 1e-6);
                    if (i == 0) continue;
                    const double step = values[i] - values[i - 1];
                    const double mantissa = step / std::pow(10.0, std::floor(std::log10(step) + 1e-6));
                    CHECK((mantissa == Approx(1).epsilon(1e-3) || mantissa == Approx(2).epsilon(1e-3) ||
                           mantissa == Approx(5).epsilon(1e-3)));
                }
            }
}

TEST_CASE("Linear ticks of a symmetric range are 0 and its neighbours, with a real minus sign") {
    const auto ticks = linearTicks({-1, 1}, 5);
    CHECK(labels(ticks) == QStringList{"−1.0", "−0.5", "0", "0.5", "1.0"});
    CHECK(ticks.size() == 21); // minors divide 0.5 into five
}

TEST_CASE("Ticks of counts never fall between two integers") {
    for (const Tick& tick : linearTicks({0, 3.2}, 8, true)) CHECK(tick.value == std::round(tick.value));
    CHECK(labels(linearTicks({0, 3.2}, 8, true)) == QStringList{"0", "1", "2", "3"});
    CHECK(labels(linearTicks({0, 40000}, 5, true)) == QStringList{"0", "10 k", "20 k", "30 k", "40 k"});
}

TEST_CASE("Logarithmic ticks show powers with eight minor ticks between") {
    const auto ticks = logTicks({1e-3, 1e2}, 10);
    CHECK(labels(ticks) == QStringList{"10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹", "10²"});
    CHECK(ticks.size() == 6 + 5 * 8);
    CHECK(labels(logTicks({1e-12, 1}, 4)).size() <= 5);
}

TEST_CASE("A logarithmic range below one decade still has labels") {
    CHECK(majors(logTicks({2.0, 7.0}, 6)) == std::vector<double>{2, 5});
    CHECK(labels(logTicks({3.1, 3.9}, 4)).size() >= 2);
}

TEST_CASE("Axis positions and values are inverse on both scales") {
    for (const Scale scale : {Scale::Linear, Scale::Log})
        for (const double unit : {0.0, 0.25, 0.9, 1.0})
            CHECK(toUnit(scale, {0.5, 800}, fromUnit(scale, {0.5, 800}, unit)) == Approx(unit).margin(1e-12));
}

TEST_CASE("A padded range is never empty") {
    CHECK(padded(Scale::Linear, {0, 0}, 0.1).length() > 0);
    CHECK(padded(Scale::Linear, {5, 5}, 0).contains(5));
    CHECK(padded(Scale::Log, {3, 3}, 0).length() > 0);
    CHECK(padded(Scale::Log, {-1, 0}, 0.1).low > 0);
}

TEST_CASE("Decimation keeps the extremes of every pixel column and few points") {
    std::vector<double> x, y;
    for (int i = 0; i < 100000; ++i) {
        x.push_back(i);
        y.push_back(std::sin(i * 0.37) + (i == 61234 ? 50 : 0) - (i == 17 ? 40 : 0));
    }
    const auto kept = decimate(x, y, {0, 99999}, Scale::Linear, 800);
    CHECK(kept.size() <= 1604);
    CHECK(std::find(kept.begin(), kept.end(), 61234u) != kept.end());
    CHECK(std::find(kept.begin(), kept.end(), 17u) != kept.end());
    CHECK(std::is_sorted(kept.begin(), kept.end()));
}

TEST_CASE("Data saved as CSV keeps full precision and quotes what needs it") {
    PlotLayer line{Mark::Line, "a, \"b\"", Ink{}, {1, 2}, {0.1, 1.0 / 3}};
    const QString csv = layersAsCsv({line}, {"x", {}}, {"y", {}});
    CHECK(csv.contains("\"a, \"\"b\"\"\",1,,0.10000000000000001,\n"));
    CHECK(csv.contains("0.33333333333333331"));
}
