// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"

#include "engine/quantum/layout.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope {

namespace {

constexpr QChar kMinus(0x2212);
constexpr QChar kThinSpace(0x2009);
constexpr QChar kInfinity(0x221E);

QString withRealMinus(QString text) { return text.replace(QLatin1Char('-'), kMinus); }

QString scaled(double value, int decimals, const char* unit) {
    return withRealMinus(QString::number(value, 'f', decimals)) + QLatin1Char(' ') + QString::fromUtf8(unit);
}

} // namespace

QString formatNumber(double value, int significant) {
    if (std::isnan(value)) return QStringLiteral("NaN");
    if (std::isinf(value)) return value < 0 ? QString(kMinus) + kInfinity : QString(kInfinity);
    if (value == 0) return QStringLiteral("0");
    const double magnitude = std::abs(value);
    if (magnitude >= 1e-3 && magnitude < 1e6) {
        const int integerDigits = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
        return withRealMinus(QString::number(value, 'f', std::max(0, significant - integerDigits)));
    }
    // Outside that range e-notation, which aligns in tables as plain text.
    QString text = QString::number(value, 'e', significant - 1);
    const auto at = text.indexOf(QLatin1Char('e'));
    const int exponent = text.mid(at + 1).toInt();
    return withRealMinus(text.left(at) + QLatin1Char('e') + QString::number(exponent));
}

QString formatInteger(std::int64_t value) {
    QString digits = QString::number(value < 0 ? -value : value);
    if (digits.size() > 4)
        for (auto i = digits.size() - 3; i > 0; i -= 3) digits.insert(i, kThinSpace);
    return value < 0 ? kMinus + digits : digits;
}

QString formatBytes(std::uint64_t bytes) {
    static constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return scaled(value, unit == 0 ? 0 : value < 10 ? 2 : 1, kUnits[unit]);
}

QString formatParameters(std::int64_t count) {
    if (count < 10'000) return formatInteger(count);
    static constexpr std::array kUnits{"k", "M", "B", "T"};
    auto value = static_cast<double>(count) / 1000;
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    return scaled(value, value < 10 ? 2 : value < 100 ? 1 : 0, kUnits[unit]);
}

QString formatBits(double bitsPerWeight) { return QString::number(bitsPerWeight, 'f', 2); }

QString formatDecibels(double db) {
    if (std::isinf(db)) return db < 0 ? QStringLiteral("\u2212\u221E dB") : QStringLiteral("\u221E dB");
    return scaled(db, 1, "dB");
}

QString formatDuration(double seconds) {
    if (seconds < 1e-3) return scaled(seconds * 1e6, 0, "\u00B5s");
    if (seconds < 1) return scaled(seconds * 1e3, seconds < 0.01 ? 1 : 0, "ms");
    if (seconds < 60) return scaled(seconds, 1, "s");
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 3600) return QStringLiteral("%1 min %2 s").arg(whole / 60).arg(whole % 60);
    return QStringLiteral("%1 h %2 min").arg(whole / 3600).arg(whole % 3600 / 60);
}

QString formatAngle(double radians) { return withRealMinus(QString::fromStdString(engine::angleText(radians))); }

} // namespace qscope
