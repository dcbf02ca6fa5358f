// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_overview/overview_numbers.h"

#include "plugins/sdk/format.h"

#include <QObject>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

constexpr std::array kNumbers{OverviewNumber{"kurtosis", NumberSource::Statistics, Scale::Log},
                              OverviewNumber{"max_to_mean", NumberSource::Statistics, Scale::Log},
                              OverviewNumber{"outliers", NumberSource::Statistics, Scale::Linear, true},
                              OverviewNumber{"absmax", NumberSource::Statistics, Scale::Log},
                              OverviewNumber{"std", NumberSource::Statistics, Scale::Log},
                              OverviewNumber{"mean", NumberSource::Statistics},
                              OverviewNumber{"min", NumberSource::Statistics},
                              OverviewNumber{"max", NumberSource::Statistics},
                              OverviewNumber{"zeros", NumberSource::Statistics, Scale::Linear, true},
                              OverviewNumber{"nan", NumberSource::Statistics},
                              OverviewNumber{"inf", NumberSource::Statistics},
                              OverviewNumber{"count", NumberSource::Stored, Scale::Log},
                              OverviewNumber{"bytes", NumberSource::Stored, Scale::Log},
                              OverviewNumber{"bits_per_weight", NumberSource::Stored},
                              OverviewNumber{"relative_mse", NumberSource::Result, Scale::Log},
                              OverviewNumber{"sqnr_db", NumberSource::Result},
                              OverviewNumber{"cosine", NumberSource::Result},
                              OverviewNumber{"max_error", NumberSource::Result, Scale::Log},
                              OverviewNumber{"bits_per_weight", NumberSource::Result},
                              OverviewNumber{"bytes", NumberSource::Result, Scale::Log},
                              OverviewNumber{"kl_divergence", NumberSource::Propagation, Scale::Log}};
static_assert(kNumbers[kStatistics - 1].source == NumberSource::Statistics &&
              kNumbers[kStatistics].source != NumberSource::Statistics);

QString textOf(std::string_view text) { return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())); }

double resultValue(std::string_view key, const engine::TensorResult& result) {
    if (key == "relative_mse") return result.metrics.relativeMse;
    if (key == "sqnr_db") return result.metrics.sqnrDb;
    if (key == "cosine") return result.metrics.cosine;
    if (key == "max_error") return result.metrics.maxError;
    if (key == "bits_per_weight") return result.bits;
    return result.quantized ? std::ceil(static_cast<double>(engine::storedBits(*result.quantized)) / 8)
                            : static_cast<double>(kUnknown);
}

double storedValue(std::string_view key, const engine::TensorInfo& tensor) {
    const auto count = static_cast<double>(engine::elementCount(tensor.shape));
    if (key == "count") return count;
    const auto bytes = static_cast<double>(tensor.bytes);
    if (key == "bytes") return bytes;
    return count > 0 ? 8 * bytes / count : static_cast<double>(kUnknown);
}

} // namespace

std::span<const OverviewNumber> overviewNumbers() { return kNumbers; }

QString titleOf(const OverviewNumber& number) {
    if (number.source == NumberSource::Propagation) return QObject::tr("KL divergence, layer alone (nat)");
    const auto& info = engine::metric(number.key);
    QString title = textOf(info.name);
    if (number.source == NumberSource::Stored && number.key != "count") title += QObject::tr(", stored");
    if (number.share) return title + QStringLiteral(" (%)");
    return info.unit.empty() || number.key.starts_with("b") ? title
                                                            : QStringLiteral("%1 (%2)").arg(title, textOf(info.unit));
}

QString textOf(const OverviewNumber& number, double value) {
    if (number.key == "count") return formatInteger(std::llround(value));
    if (number.key == "bytes") return formatBytes(static_cast<std::uint64_t>(std::llround(value)));
    if (number.key == "bits_per_weight") return QObject::tr("%1 bits per weight").arg(formatBits(value));
    if (number.key == "sqnr_db") return QStringLiteral("SQNR ") + formatDecibels(value);
    QString text = QStringLiteral("%1 %2").arg(textOf(engine::metric(number.key).name), formatNumber(value));
    if (number.share) text += QStringLiteral(" %");
    return number.source == NumberSource::Propagation ? text + QObject::tr(" nat with this layer alone quantized")
                                                      : text;
}

bool isWorse(const OverviewNumber& number, double a, double b) {
    switch (engine::metric(number.key).better) {
    case engine::Better::Lower: return a > b;
    case engine::Better::Higher: return a < b;
    case engine::Better::Neither: break;
    }
    return std::abs(a) > std::abs(b);
}

StatisticValues statisticValues(const engine::TensorStatistics& s) {
    const auto percent = [&](std::int64_t part) {
        return s.count > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(s.count) : 0.0;
    };
    const std::array<double, kStatistics> values{s.kurtosis,
                                                 s.maxToMean,
                                                 percent(s.outliers),
                                                 s.absmax,
                                                 s.std,
                                                 s.mean,
                                                 s.min,
                                                 s.max,
                                                 percent(s.zeros),
                                                 static_cast<double>(s.nan),
                                                 static_cast<double>(s.inf)};
    StatisticValues stored{};
    std::ranges::transform(values, stored.begin(), [](double value) { return static_cast<float>(value); });
    return stored;
}

std::vector<float> valuesOf(std::size_t index, const engine::Checkpoint& checkpoint,
                            const std::vector<StatisticValues>& statistics, const engine::MethodResult* method,
                            const engine::MethodPropagation* effects) {
    const OverviewNumber& number = kNumbers[index];
    const std::size_t count = checkpoint.tensors.size();
    std::vector<float> values(count, kUnknown);
    if (number.source == NumberSource::Statistics)
        for (std::size_t i = 0; i < count; ++i) values[i] = statistics[i][index];
    if (number.source == NumberSource::Stored)
        for (std::size_t i = 0; i < count; ++i)
            values[i] = static_cast<float>(storedValue(number.key, checkpoint.tensors[i]));
    if (!method || number.source < NumberSource::Result) return values;
    for (const engine::TensorResult& result : method->tensors) {
        if (result.tensor >= count) continue;
        if (number.source == NumberSource::Result)
            values[result.tensor] = static_cast<float>(resultValue(number.key, result));
        else if (effects && result.layer)
            for (const engine::LayerEffect& effect : effects->attribution)
                if (effect.layer == *result.layer)
                    values[result.tensor] = static_cast<float>(effect.alone.klDivergence);
    }
    return values;
}

Range rangeOf(const OverviewNumber& number, std::span<const float> values) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const float value : values) {
        if (!std::isfinite(value) || (number.scale == Scale::Log && value <= 0)) continue;
        low = std::min(low, static_cast<double>(value));
        high = std::max(high, static_cast<double>(value));
    }
    if (low > high) return number.scale == Scale::Log ? Range{1, 10} : Range{0, 1};
    if (number.key == "mean") {
        const double limit = std::max({std::abs(low), std::abs(high), std::numeric_limits<double>::min()});
        return {-limit, limit};
    }
    // Shares and counts of what should not be there begin at nothing.
    if (number.share || number.key == "nan" || number.key == "inf") low = 0;
    if (low < high) return {low, high};
    // One value for all: it lies in the middle of a range that can be drawn.
    if (number.scale == Scale::Log) return {low / 2, high * 2};
    const double margin = low == 0 ? 1 : std::abs(low) / 2;
    return {low == 0 ? 0 : low - margin, high + margin};
}

} // namespace qscope
