// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/figures.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"

#include <QObject>
#include <QStringList>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kUnknown = "–";

constexpr std::array kFigures{
    Figure{"bits_per_weight", QT_TRANSLATE_NOOP("QObject", "Bits/weight"), Difference::Absolute, false, true},
    Figure{"bytes", QT_TRANSLATE_NOOP("QObject", "Size"), Difference::Percent, false, true},
    Figure{"relative_mse", QT_TRANSLATE_NOOP("QObject", "Rel. MSE"), Difference::Percent, true},
    Figure{"sqnr_db", QT_TRANSLATE_NOOP("QObject", "SQNR"), Difference::Absolute},
    Figure{"cosine", QT_TRANSLATE_NOOP("QObject", "Cosine"), Difference::Absolute},
    Figure{"max_error", QT_TRANSLATE_NOOP("QObject", "Max error"), Difference::Percent, true},
    Figure{"perplexity", QT_TRANSLATE_NOOP("QObject", "Perplexity"), Difference::Percent, true, false, true},
    Figure{"kl_divergence", QT_TRANSLATE_NOOP("QObject", "KL"), Difference::Percent, true, false, true},
    Figure{"top1_agreement", QT_TRANSLATE_NOOP("QObject", "Top-1"), Difference::Absolute, false, false, true},
    Figure{"seconds", QT_TRANSLATE_NOOP("QObject", "Time"), Difference::Percent, false, true, true},
};

QString signedText(double value, const QString& magnitude) {
    return (value < 0 ? QString(QChar(0x2212)) : QStringLiteral("+")) + magnitude;
}

} // namespace

std::span<const Figure> figures() { return kFigures; }

const Figure& figure(std::string_view key) {
    const auto found = std::ranges::find(kFigures, key, &Figure::key);
    Q_ASSERT(found != kFigures.end());
    return *found;
}

QString titleOf(const Figure& figure) { return QObject::tr(figure.title); }

int betterWay(const Figure& figure) { return engine::metric(figure.key).better == engine::Better::Higher ? 1 : -1; }

double valueOf(const Figure& figure, const engine::MethodResult& method, ComparisonScope scope) {
    const std::string_view key = figure.key;
    if (figure.ofModel) {
        if (scope) return kNone;
        if (key == "seconds") return method.seconds;
        if (!method.quality) return kNone;
        return key == "perplexity"      ? method.quality->perplexity
               : key == "kl_divergence" ? method.quality->klDivergence
                                        : method.quality->top1Agreement;
    }
    const engine::TensorResult* tensor = scope ? resultOf(method, *scope) : nullptr;
    if (scope && !tensor) return kNone;
    if (key == "bits_per_weight") return tensor ? tensor->bits : method.bitsPerWeight;
    if (key == "bytes")
        return tensor ? std::ceil(tensor->bits * static_cast<double>(tensor->sums.count) / 8)
                      : static_cast<double>(method.bytes);
    const engine::ErrorMetrics& metrics = tensor ? tensor->metrics : method.metrics;
    return key == "relative_mse" ? metrics.relativeMse
           : key == "sqnr_db"    ? metrics.sqnrDb
           : key == "cosine"     ? metrics.cosine
                                 : metrics.maxError;
}

bool isKnown(const Figure& figure, const engine::CompareReport& report, ComparisonScope scope) {
    return std::ranges::any_of(report.methods,
                               [&](const auto& method) { return !std::isnan(valueOf(figure, method, scope)); });
}

QString textOf(const Figure& figure, double value) {
    if (std::isnan(value)) return QString::fromUtf8(kUnknown);
    const std::string_view key = figure.key;
    if (key == "bits_per_weight") return formatBits(value);
    if (key == "bytes") return formatBytes(static_cast<std::uint64_t>(value));
    if (key == "sqnr_db") return formatDecibels(value);
    if (key == "cosine") return QString::number(value, 'f', 6);
    if (key == "top1_agreement") return QString::number(value * 100, 'f', 1) + QStringLiteral(" %");
    if (key == "seconds") return formatDuration(value);
    return formatNumber(value);
}

QString differenceText(const Figure& figure, double value, double baseline) {
    const double difference = value - baseline;
    if (value == baseline) return QStringLiteral("0");
    if (!std::isfinite(difference)) return QString::fromUtf8(kUnknown);
    if (figure.difference == Difference::Percent) {
        if (baseline == 0) return QString::fromUtf8(kUnknown);
        // "+600 000 %" and "−100.0 %" hide by how much.
        constexpr double kManyTimes = 10;
        if (const double ratio = value / baseline; ratio >= kManyTimes || (ratio > 0 && ratio <= 1 / kManyTimes))
            return ratio > 1 ? QStringLiteral("× %1").arg(formatNumber(ratio, 3))
                             : QStringLiteral("÷ %1").arg(formatNumber(1 / ratio, 3));
        const double percent = difference / std::abs(baseline) * 100;
        return signedText(percent, QString::number(std::abs(percent), 'f', 1) + QStringLiteral(" %"));
    }
    const double size = std::abs(difference);
    const std::string_view key = figure.key;
    if (key == "sqnr_db") return signedText(difference, QString::number(size, 'f', 1) + QStringLiteral(" dB"));
    if (key == "bits_per_weight") return signedText(difference, QString::number(size, 'f', 2));
    if (key == "top1_agreement") // of two shares: points, not percent of percent
        return signedText(difference, QObject::tr("%1 points").arg(size * 100, 0, 'f', 1));
    return signedText(difference, QString::number(size, 'f', 6));
}

QString summaryOf(const engine::MethodResult& method, ComparisonScope scope) {
    QStringList parts;
    for (const Figure& one : kFigures)
        if (const double value = valueOf(one, method, scope); !std::isnan(value))
            parts << titleOf(one) + QLatin1Char(' ') + textOf(one, value);
    return parts.join(QStringLiteral("  ·  "));
}

} // namespace qscope
