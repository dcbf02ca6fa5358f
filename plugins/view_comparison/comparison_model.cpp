// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/comparison_model.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"

#include <QObject>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace qscope {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// The numbers of one row, model or tensor; NaN: not known.
struct Figures {
    double bits = kNone;
    double bytes = kNone;
    engine::ErrorMetrics metrics;
    double seconds = kNone;
    QString device;
};

std::optional<Figures> figuresOf(const engine::MethodResult& method, ComparisonScope scope) {
    if (!scope)
        return Figures{method.bitsPerWeight, static_cast<double>(method.bytes), method.metrics, method.seconds,
                       QString::fromStdString(method.device)};
    const engine::TensorResult* result = resultOf(method, *scope);
    if (!result) return std::nullopt;
    Figures figures{result->bits, kNone, result->metrics, kNone, QString::fromStdString(method.device)};
    if (result->quantized) figures.bytes = std::ceil(static_cast<double>(engine::storedBits(*result->quantized)) / 8);
    return figures;
}

/// What the same tensors take as stored.
std::optional<Figures> fullPrecision(const engine::CompareReport& report, const engine::Checkpoint* checkpoint,
                                     ComparisonScope scope) {
    if (!checkpoint || report.methods.empty()) return std::nullopt;
    double bytes = 0, weights = 0;
    const auto add = [&](std::size_t tensor) {
        if (tensor >= checkpoint->tensors.size()) return;
        bytes += static_cast<double>(checkpoint->tensors[tensor].bytes);
        weights += static_cast<double>(engine::elementCount(checkpoint->tensors[tensor].shape));
    };
    if (scope)
        add(static_cast<std::size_t>(*scope));
    else
        for (const engine::TensorResult& result : report.methods.front().tensors) add(result.tensor);
    if (!(weights > 0)) return std::nullopt;
    Figures figures;
    figures.bits = bytes * 8 / weights;
    figures.bytes = bytes;
    figures.metrics.sqnrDb = std::numeric_limits<double>::infinity();
    return figures;
}

std::vector<NumberCell> cellsOf(const QString& name, const Figures& figures) {
    const auto known = [](double value, const auto& text) {
        return NumberCell{std::isnan(value) ? QStringLiteral("–") : text(value), value};
    };
    return {{name, 0},
            known(figures.bits, [](double v) { return formatBits(v); }),
            known(figures.bytes, [](double v) { return formatBytes(static_cast<std::uint64_t>(v)); }),
            {formatNumber(figures.metrics.relativeMse), figures.metrics.relativeMse},
            {formatDecibels(figures.metrics.sqnrDb), figures.metrics.sqnrDb},
            {QString::number(figures.metrics.cosine, 'f', 6), figures.metrics.cosine},
            {formatNumber(figures.metrics.maxError), figures.metrics.maxError},
            known(figures.seconds, [](double v) { return formatDuration(v); }),
            {figures.device, 0}};
}

/// -1: smaller is better, 1: larger, 0: neither; by column.
constexpr int kBetter[] = {0, -1, -1, -1, 1, 1, -1, -1, 0};

void markBest(std::vector<NumberRow>& rows) {
    for (std::size_t column = 0; column < std::size(kBetter); ++column) {
        if (kBetter[column] == 0) continue;
        double best = kNone, worst = kNone;
        int known = 0;
        for (const NumberRow& row : rows) {
            const double value = row.cells[column].value * kBetter[column];
            if (row.id < 0 || std::isnan(value)) continue;
            ++known;
            if (!(value <= best)) best = value;
            if (!(value >= worst)) worst = value;
        }
        if (known < 2 || best == worst) continue; // nothing to choose between
        for (NumberRow& row : rows)
            row.cells[column].best = row.id >= 0 && row.cells[column].value * kBetter[column] == best;
    }
}

} // namespace

std::vector<NumberColumn> comparisonColumns() {
    const auto tr = [](const char* text) { return QObject::tr(text); };
    return {{tr("Method"), {}, true},
            {tr("Bits/weight"), metricTooltip("bits_per_weight")},
            {tr("Size"), tr("Bytes of the treated tensors")},
            {tr("Rel. MSE"), metricTooltip("relative_mse")},
            {tr("SQNR"), metricTooltip("sqnr_db")},
            {tr("Cosine"), metricTooltip("cosine")},
            {tr("Max error"), metricTooltip("max_error")},
            {tr("Time"), tr("The work alone, without loading")},
            {tr("Device"), tr("What ran it"), true}};
}

std::vector<NumberRow> comparisonRows(const engine::CompareReport& report, const engine::Checkpoint* checkpoint,
                                      ComparisonScope scope) {
    std::vector<NumberRow> rows;
    if (const auto figures = fullPrecision(report, checkpoint, scope))
        rows.push_back({cellsOf(QObject::tr("Full precision"), *figures), -1, Ink::ofCategory(-1)});
    for (std::size_t i = 0; i < report.methods.size(); ++i)
        if (const auto figures = figuresOf(report.methods[i], scope))
            rows.push_back({cellsOf(QString::fromStdString(report.methods[i].label), *figures), static_cast<int>(i),
                            Ink::ofCategory(static_cast<int>(i))});
    markBest(rows);
    return rows;
}

Depth depthOf(const engine::CompareReport& report) {
    // Key: 0 before the blocks, 1 in a block, 2 after them; then the block; then the checkpoint's own order.
    std::map<std::tuple<int, int, std::size_t>, std::int64_t> ordered;
    for (const engine::MethodResult& method : report.methods)
        for (const engine::TensorResult& result : method.tensors) {
            const bool embedding =
                result.name.find("emb") != std::string::npos || result.name.find("wte") != std::string::npos;
            ordered[{result.layer ? 1
                     : embedding  ? 0
                                  : 2,
                     result.layer.value_or(0), result.tensor}] = static_cast<std::int64_t>(result.tensor);
        }
    Depth depth;
    int block = -1;
    std::size_t start = 0;
    const auto closeBlock = [&] {
        if (block < 0) return;
        const Range band{static_cast<double>(start) - 0.5, static_cast<double>(depth.tensors.size()) - 0.5};
        if (block % 2 == 1) depth.bands.push_back(band);
        depth.ticks.push_back({(band.low + band.high) / 2, true, QString::number(block)});
    };
    for (const auto& [key, tensor] : ordered) {
        const int now = std::get<0>(key) == 1 ? std::get<1>(key) : -1;
        if (now != block) {
            closeBlock();
            block = now;
            start = depth.tensors.size();
        }
        depth.ticks.push_back({static_cast<double>(depth.tensors.size()), false, {}});
        depth.tensors.push_back(tensor);
    }
    closeBlock();
    return depth;
}

std::vector<PlotLayer> depthLayers(const engine::CompareReport& report, const Depth& depth) {
    std::vector<PlotLayer> layers;
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        const engine::MethodResult& method = report.methods[i];
        PlotLayer line{Mark::Line, QString::fromStdString(method.label), Ink::ofCategory(static_cast<int>(i)), {}, {}};
        line.dash = i < 8 ? Qt::SolidLine : Qt::DashLine; // colours come round again after eight
        std::map<std::int64_t, const engine::TensorResult*> byTensor;
        for (const engine::TensorResult& result : method.tensors)
            byTensor[static_cast<std::int64_t>(result.tensor)] = &result;
        for (std::size_t place = 0; place < depth.tensors.size(); ++place) {
            const auto found = byTensor.find(depth.tensors[place]);
            line.x.push_back(static_cast<double>(place));
            line.y.push_back(found == byTensor.end() ? kNone : found->second->metrics.relativeMse);
            line.labels.push_back(found == byTensor.end() ? QString() : QString::fromStdString(found->second->name));
        }
        const auto last = std::find_if(line.y.rbegin(), line.y.rend(),
                                       [](double value) { return std::isfinite(value) && value > 0; });
        if (last != line.y.rend()) line.endLabel = QStringLiteral("%1  %2").arg(formatNumber(*last, 3), line.name);
        layers.push_back(std::move(line));
    }
    return layers;
}

std::vector<PlotLayer> paretoLayers(const engine::CompareReport& report, ComparisonScope scope, int selectedMethod) {
    PlotLayer front{Mark::Line, QObject::tr("Front"), Ink::of(Role::Faint), {}, {}};
    front.interactive = front.inLegend = false;
    front.dash = Qt::DashLine;
    std::vector<PlotLayer> layers{front};
    std::vector<std::pair<double, double>> points;
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        PlotLayer point{Mark::Points,
                        QString::fromStdString(report.methods[i].label),
                        Ink::ofCategory(static_cast<int>(i)),
                        {},
                        {}};
        point.inLegend = false;
        point.shape = static_cast<int>(i / 8);
        if (const auto figures = figuresOf(report.methods[i], scope);
            figures && std::isfinite(figures->metrics.sqnrDb)) {
            point.x = {figures->bits};
            point.y = {figures->metrics.sqnrDb};
            point.labels = {point.name};
            points.emplace_back(figures->bits, figures->metrics.sqnrDb);
            if (static_cast<int>(i) == selectedMethod) point.selected = 0;
        }
        layers.push_back(std::move(point));
    }
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
        return a.first < b.first || (a.first == b.first && a.second > b.second);
    });
    double best = -std::numeric_limits<double>::infinity();
    for (const auto& [bits, quality] : points) {
        if (quality <= best) continue;
        best = quality;
        layers.front().x.push_back(bits);
        layers.front().y.push_back(quality);
    }
    // Nothing lies above and left of the front, so that its labels have room there; the others' go the other way.
    for (PlotLayer& layer : layers) {
        if (layer.mark != Mark::Points || layer.x.empty()) continue;
        const auto& frontQuality = layers.front().y;
        layer.labelSide = std::find(frontQuality.begin(), frontQuality.end(), layer.y[0]) != frontQuality.end()
                              ? LabelSide::AboveLeft
                              : LabelSide::BelowRight;
    }
    return layers;
}

} // namespace qscope
