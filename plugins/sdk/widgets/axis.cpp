// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/axis.h"

#include "plugins/sdk/format.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope {

namespace {

constexpr QChar kMinus(0x2212);

/// A tick label: as many decimals as the step needs; powers of a thousand as suffixes, so that labels stay short.
QString linearLabel(double value, double step) {
    if (std::abs(value) < step * 1e-6) return QStringLiteral("0");
    if (step < 1e-4) {
        const int digits = std::max(1, static_cast<int>(std::floor(std::log10(std::abs(value) / step) + 1e-9)) + 1);
        return formatNumber(value, digits);
    }
    const char* suffix = "";
    if (step >= 1e9)
        suffix = " G", value /= 1e9, step /= 1e9;
    else if (step >= 1e6)
        suffix = " M", value /= 1e6, step /= 1e6;
    else if (step >= 1e3)
        suffix = " k", value /= 1e3, step /= 1e3;
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    QString text = QString::number(value, 'f', decimals).replace(QLatin1Char('-'), kMinus);
    return text + QLatin1String(suffix);
}

} // namespace

QString powerOfTen(int exponent) {
    static constexpr std::array kSuperscripts{u'⁰', u'¹', u'²', u'³', u'⁴', u'⁵', u'⁶', u'⁷', u'⁸', u'⁹'};
    QString text = QStringLiteral("10");
    if (exponent < 0) text += QChar(u'⁻');
    for (const QChar digit : QString::number(std::abs(exponent)))
        text += QChar(kSuperscripts[static_cast<std::size_t>(digit.digitValue())]);
    return text;
}

std::vector<Tick> linearTicks(const Range& range, int most, bool whole) {
    std::vector<Tick> ticks;
    const double length = range.length();
    if (!(length > 0) || !std::isfinite(length) || most < 1) return ticks;
    double power = std::pow(10.0, std::floor(std::log10(length / most)));
    int mantissa = 1;
    while (length / (power * mantissa) > most) {
        mantissa = mantissa == 1 ? 2 : mantissa == 2 ? 5 : 10;
        if (mantissa == 10) power *= 10, mantissa = 1;
    }
    double step = power * mantissa;
    int parts = mantissa == 2 ? 4 : 5;
    if (whole && step <= 1)
        step = 1, parts = 1;
    else if (whole && step < 5)
        parts = static_cast<int>(step);
    const double minor = step / parts;
    const auto first = static_cast<std::int64_t>(std::ceil(range.low / minor - 1e-9));
    const auto last = static_cast<std::int64_t>(std::floor(range.high / minor + 1e-9));
    for (std::int64_t i = first; i <= last; ++i) {
        const bool major = i % parts == 0;
        const double value = static_cast<double>(i) * minor;
        ticks.push_back({value, major, major ? linearLabel(value, step) : QString()});
    }
    return ticks;
}

std::vector<Tick> logTicks(const Range& range, int most) {
    std::vector<Tick> ticks;
    if (!(range.low > 0) || !(range.high > range.low) || most < 1) return ticks;
    const double low = std::log10(range.low);
    const double high = std::log10(range.high);
    const int first = static_cast<int>(std::floor(low));
    const int last = static_cast<int>(std::ceil(high));
    const int decades = static_cast<int>(std::floor(high + 1e-9) - std::ceil(low - 1e-9)) + 1;
    const bool onlyPowers = decades >= 2;
    const int stride = std::max(1, (decades + most - 1) / most);
    const auto within = [&](double value) {
        return value >= range.low * (1 - 1e-9) && value <= range.high * (1 + 1e-9);
    };
    for (int exponent = first; exponent <= last; ++exponent) {
        const double power = std::pow(10.0, exponent);
        for (int mantissa = 1; mantissa <= 9; ++mantissa) {
            if (stride > 1 && mantissa > 1) break; // too dense to be read as minor ticks
            const double value = power * mantissa;
            if (!within(value)) continue;
            const bool isPower = mantissa == 1;
            const bool major =
                onlyPowers ? isPower && exponent % stride == 0 : mantissa == 1 || mantissa == 2 || mantissa == 5;
            QString label;
            if (major) label = onlyPowers ? powerOfTen(exponent) : formatNumber(value, 1);
            ticks.push_back({value, major, label});
        }
    }
    // A range within one mantissa step has no tick of its own: divide it evenly instead.
    if (std::none_of(ticks.begin(), ticks.end(), [](const Tick& tick) { return tick.major; }))
        return linearTicks(range, most);
    return ticks;
}

std::vector<Tick> ticksOf(const Axis& axis, const Range& range, int most) {
    if (!axis.fixedTicks.empty()) {
        std::vector<Tick> ticks;
        for (const Tick& tick : axis.fixedTicks)
            if (range.contains(tick.value)) ticks.push_back(tick);
        // Labels that would collide become minor ticks: keep every n-th.
        const auto majors = std::count_if(ticks.begin(), ticks.end(), [](const Tick& tick) { return tick.major; });
        const auto stride = std::max<std::ptrdiff_t>(1, (majors + most - 1) / std::max(1, most));
        std::ptrdiff_t seen = 0;
        for (Tick& tick : ticks)
            if (tick.major && seen++ % stride != 0) tick.label.clear();
        return ticks;
    }
    return axis.scale == Scale::Log ? logTicks(range, most) : linearTicks(range, most, axis.whole);
}

double toUnit(Scale scale, const Range& range, double value) {
    if (scale == Scale::Linear) return (value - range.low) / (range.high - range.low);
    return std::log(value / range.low) / std::log(range.high / range.low);
}

double fromUnit(Scale scale, const Range& range, double unit) {
    if (scale == Scale::Linear) return range.low + unit * (range.high - range.low);
    return range.low * std::pow(range.high / range.low, unit);
}

Range padded(Scale scale, Range range, double margin) {
    if (scale == Scale::Log) {
        if (!(range.high > 0)) return {0.1, 1};
        if (!(range.low > 0)) range.low = range.high / 10;
        if (!(range.high > range.low)) return {range.low / 2, range.low * 2};
        const double factor = std::pow(range.high / range.low, margin);
        return {range.low / factor, range.high * factor};
    }
    // Narrower than single precision can tell apart counts as one value.
    const double magnitude = std::max(std::abs(range.low), std::abs(range.high));
    if (!(range.length() > magnitude * 1e-9)) {
        const double half = magnitude > 0 ? magnitude * 0.1 : 1;
        return {range.low - half, range.high + half};
    }
    const double extra = range.length() * margin;
    return {range.low - extra, range.high + extra};
}

} // namespace qscope
