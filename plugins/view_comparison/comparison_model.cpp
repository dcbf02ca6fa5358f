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
constexpr std::size_t kFirstFigure = 2; // behind the method's name and its pin

std::vector<const Figure*> shownFigures(const ComparisonTable& table) {
    std::vector<const Figure*> shown;
    for (const Figure& one : figures())
        if (isKnown(one, table.report, table.scope)) shown.push_back(&one);
    return shown;
}

/// What the same tensors take as stored, and an exact result's error; in a report with a text, also the reference's
/// loss.
std::optional<engine::MethodResult> fullPrecision(const ComparisonTable& table) {
    if (!table.checkpoint || table.report.methods.empty()) return std::nullopt;
    engine::MethodResult full;
    full.seconds = kNone;
    std::int64_t weights = 0;
    for (const engine::TensorResult& result : table.report.methods.front().tensors) {
        if (result.tensor >= table.checkpoint->tensors.size()) continue;
        const engine::TensorInfo& info = table.checkpoint->tensors[result.tensor];
        engine::TensorResult own{result.tensor, result.name, result.layer, 0, {}, {}, nullptr};
        own.sums.count = engine::elementCount(info.shape);
        own.bits = own.sums.count > 0 ? static_cast<double>(info.bytes) * 8 / static_cast<double>(own.sums.count) : 0;
        own.metrics.sqnrDb = std::numeric_limits<double>::infinity();
        full.bytes += info.bytes;
        weights += own.sums.count;
        full.tensors.push_back(std::move(own));
    }
    if (weights == 0) return std::nullopt;
    full.bitsPerWeight = static_cast<double>(full.bytes) * 8 / static_cast<double>(weights);
    full.metrics.sqnrDb = std::numeric_limits<double>::infinity();
    if (table.report.text) full.quality = std::make_shared<engine::TextQuality>(table.report.text->reference);
    return full;
}

const engine::MethodResult* baselineOf(const ComparisonTable& table) {
    const auto found =
        std::ranges::find(table.report.methods, table.baseline.toStdString(), &engine::MethodResult::label);
    return table.baseline.isEmpty() || found == table.report.methods.end() ? nullptr : &*found;
}

std::vector<NumberCell> cellsOf(const ComparisonTable& table, const QString& name, const engine::MethodResult& method,
                                const std::vector<const Figure*>& shown, const engine::MethodResult* baseline) {
    const bool isPinned = table.pinned.contains(QString::fromStdString(method.label));
    const bool isBaseline = &method == baseline;
    std::vector<NumberCell> cells{{isBaseline ? QObject::tr("%1 (baseline)").arg(name) : name, 0, false,
                                   QString::fromStdString(engine::toText(method.spec))},
                                  {isPinned ? QStringLiteral("✓") : QString(), 0}};
    for (const Figure* one : shown) {
        const double value = valueOf(*one, method, table.scope);
        NumberCell cell{textOf(*one, value), value};
        if (baseline && !isBaseline) {
            cell.tooltip = cell.text;
            cell.text = differenceText(*one, value, valueOf(*one, *baseline, table.scope));
        }
        cells.push_back(std::move(cell));
    }
    cells.push_back({QString::fromStdString(method.device), 0});
    return cells;
}

void markBest(std::vector<NumberRow>& rows, const std::vector<const Figure*>& shown) {
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const std::size_t column = kFirstFigure + i;
        double best = kNone, worst = kNone;
        int known = 0;
        for (const NumberRow& row : rows) {
            const double value = row.cells[column].value * betterWay(*shown[i]);
            if (row.id < 0 || std::isnan(value)) continue;
            ++known;
            if (!(value <= best)) best = value;
            if (!(value >= worst)) worst = value;
        }
        if (known < 2 || best == worst) continue; // nothing to choose between
        for (NumberRow& row : rows)
            row.cells[column].best = row.id >= 0 && row.cells[column].value * betterWay(*shown[i]) == best;
    }
}

} // namespace

std::vector<NumberColumn> comparisonColumns(const ComparisonTable& table) {
    std::vector<NumberColumn> columns{
        {QObject::tr("Method"), {}, true},
        {QObject::tr("Pinned"), QObject::tr("Kept through new runs and in the session"), true}};
    const bool differs = baselineOf(table) != nullptr;
    for (const Figure* one : shownFigures(table))
        columns.push_back(
            {(differs ? QStringLiteral("Δ ") : QString()) + titleOf(*one),
             metricTooltip(one->key) +
                 (differs ? QObject::tr("<br>Difference to %1").arg(table.baseline.toHtmlEscaped()) : QString())});
    columns.push_back({QObject::tr("Device"), QObject::tr("What ran it"), true});
    return columns;
}

std::vector<NumberRow> comparisonRows(const ComparisonTable& table) {
    const auto shown = shownFigures(table);
    const engine::MethodResult* baseline = baselineOf(table);
    std::vector<NumberRow> rows;
    if (const auto full = fullPrecision(table); full && (!table.scope || resultOf(*full, *table.scope)))
        rows.push_back(
            {cellsOf(table, QObject::tr("Full precision"), *full, shown, baseline), -1, Ink::ofCategory(-1)});
    for (std::size_t i = 0; i < table.report.methods.size(); ++i) {
        const engine::MethodResult& method = table.report.methods[i];
        if (table.scope && !resultOf(method, *table.scope)) continue;
        rows.push_back({cellsOf(table, QString::fromStdString(method.label), method, shown, baseline),
                        static_cast<int>(i), Ink::ofCategory(static_cast<int>(i))});
    }
    markBest(rows, shown);
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

std::vector<PlotLayer> depthLayers(const engine::CompareReport& report, const Depth& depth,
                                   const std::vector<int>& methods) {
    std::vector<PlotLayer> layers;
    for (const int index : methods) {
        const engine::MethodResult& method = report.methods[static_cast<std::size_t>(index)];
        PlotLayer line{Mark::Line, QString::fromStdString(method.label), Ink::ofCategory(index), {}, {}};
        line.dash = index < 8 ? Qt::SolidLine : Qt::DashLine; // colours come round again after eight
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

std::vector<int> distinctResults(const engine::CompareReport& report, const std::set<QString>& pinned, int selected) {
    std::vector<int> wanted, all;
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        const int index = static_cast<int>(i);
        all.push_back(index);
        if (index == selected || pinned.contains(QString::fromStdString(report.methods[i].label)))
            wanted.push_back(index);
    }
    if (all.size() <= kMostLines) return all;
    if (wanted.size() > 1) all = std::move(wanted);
    // The selected one stays, whatever is cut off.
    if (all.size() > kMostLines) all.resize(kMostLines);
    if (selected >= 0 && std::ranges::find(all, selected) == all.end() &&
        selected < static_cast<int>(report.methods.size()))
        all.back() = selected;
    return all;
}

} // namespace qscope
