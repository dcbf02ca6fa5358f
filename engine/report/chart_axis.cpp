// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/chart_axis.h"

#include "engine/report/markup.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr int kWantedTicks = 5;

/// 1, 2 or 5 times a power of ten that cuts the span into about as many steps as wanted.
double niceStep(double span) {
    const double rough = span / kWantedTicks;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (rough <= factor * power) return factor * power;
    return 10 * power;
}

std::string powerOfTen(int exponent) {
    static constexpr std::array digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string text = exponent < 0 ? "10⁻" : "10";
    for (const char digit : std::to_string(std::abs(exponent))) text += digits[static_cast<std::size_t>(digit - '0')];
    return text;
}

void addPowers(AxisMap& axis) {
    axis.low = std::floor(axis.low);
    axis.high = std::max(std::ceil(axis.high), axis.low + 1);
    const int decades = static_cast<int>(axis.high - axis.low);
    const int every = decades / 8 + 1;
    for (int exponent = static_cast<int>(axis.low); exponent <= static_cast<int>(axis.high); exponent += every) {
        axis.ticks.push_back({std::pow(10.0, exponent), powerOfTen(exponent)});
        for (int digit = 2; decades <= 4 && exponent < static_cast<int>(axis.high) && digit < 10; ++digit)
            axis.ticks.push_back({digit * std::pow(10.0, exponent), {}});
    }
}

void addSteps(AxisMap& axis) {
    if (axis.high - axis.low <= 1e-9 * std::max(std::abs(axis.low), std::abs(axis.high))) {
        const double around = std::max(0.1 * std::abs(axis.low), 1e-9);
        axis.low -= around;
        axis.high += around;
    }
    const double step = niceStep(axis.high - axis.low);
    const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    const double first = std::floor(axis.low / step + 1e-9);
    const double last = std::ceil(axis.high / step - 1e-9);
    axis.low = first * step;
    axis.high = last * step;
    for (double tick = first; tick <= last + 0.5; ++tick) axis.ticks.push_back({tick * step, readableFixed(tick * step, digits)});
}

void addIntegers(AxisMap& axis) {
    const double step = std::max(1.0, niceStep(std::max(axis.high - axis.low, 1.0)));
    for (double tick = std::ceil(axis.low / step) * step; tick <= axis.high; tick += step)
        axis.ticks.push_back({tick, readableFixed(tick, 0)});
    axis.low -= 0.5;
    axis.high += 0.5;
}

} // namespace

bool AxisMap::shows(double value) const {
    return std::isfinite(value) && (scale != ChartAxis::Scale::Logarithmic || value > 0);
}

double AxisMap::at(double value) const {
    const double position = scale == ChartAxis::Scale::Logarithmic ? std::log10(value) : value;
    return begin + (position - low) / (high - low) * (end - begin);
}

AxisMap makeAxis(ChartAxis::Scale scale, const std::vector<double>& values, double begin, double end) {
    AxisMap axis{scale, 0, 1, begin, end, {}};
    bool any = false;
    for (const double value : values) {
        if (!axis.shows(value)) continue;
        const double position = scale == ChartAxis::Scale::Logarithmic ? std::log10(value) : value;
        axis.low = any ? std::min(axis.low, position) : position;
        axis.high = any ? std::max(axis.high, position) : position;
        any = true;
    }
    switch (scale) {
    case ChartAxis::Scale::Linear: addSteps(axis); break;
    case ChartAxis::Scale::Logarithmic: addPowers(axis); break;
    case ChartAxis::Scale::Whole: addIntegers(axis); break;
    }
    return axis;
}

} // namespace qscope::engine
