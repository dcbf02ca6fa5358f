// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/board_rows.h"

#include "plugins/sdk/format.h"

#include <QObject>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kDensityDepth = 1e-4;

PlotLayer series(Mark mark, const QString& name, Ink ink, std::vector<double> x, std::vector<double> y) {
    return {mark, name, ink, std::move(x), std::move(y)};
}

/// The value of a layer at an x value: the bin's, or the nearest point's; nothing beyond its ends.
std::optional<double> valueAt(const PlotLayer& layer, double x, double* where) {
    if (layer.x.empty() || layer.y.empty() || x < layer.x.front() - 0.5 || x > layer.x.back() + 0.5)
        return std::nullopt;
    if (hasEdges(layer)) {
        const auto above = std::upper_bound(layer.x.begin(), layer.x.end(), x);
        if (above == layer.x.begin() || above == layer.x.end()) return std::nullopt;
        const auto bin = static_cast<std::size_t>(above - layer.x.begin() - 1);
        *where = (layer.x[bin] + layer.x[bin + 1]) / 2;
        return layer.y[bin];
    }
    std::size_t nearest = 0;
    for (std::size_t i = 0; i < std::min(layer.x.size(), layer.y.size()); ++i)
        if (std::abs(layer.x[i] - x) < std::abs(layer.x[nearest] - x)) nearest = i;
    *where = layer.x[nearest];
    return layer.y[nearest];
}

} // namespace

std::vector<PlotLayer> rowLayers(BoardRow row, const ColumnData& column) {
    const Ink ink = Ink::ofCategory(column.method);
    if (row == BoardRow::Propagation) {
        if (!column.propagation) return {};
        PlotLayer line = series(Mark::Line, QObject::tr("Relative MSE"), ink, {}, {});
        for (const auto& place : column.propagation->layers) {
            line.x.push_back(place.layer);
            line.y.push_back(place.metrics.relativeMse);
        }
        return {std::move(line)};
    }
    if (!column.picture) return {};
    const ColumnPicture& picture = *column.picture;
    if (row == BoardRow::Values) {
        std::vector<PlotLayer> layers{
            series(Mark::Bars, QObject::tr("result"), ink, picture.values.edges, picture.values.result),
            series(Mark::Steps, QObject::tr("stored"), Ink::ofCategory(-1), picture.values.edges,
                   picture.values.stored)};
        if (!picture.levels.empty() && picture.levels.size() <= 64)
            layers.push_back(series(Mark::Ticks, QObject::tr("grid"), Ink::of(Role::Text),
                                    {picture.levels.begin(), picture.levels.end()}, {}));
        return layers;
    }
    if (row == BoardRow::Errors)
        return {series(Mark::Bars, QObject::tr("error"), ink, picture.errors.edges, picture.errors.result)};
    if (row == BoardRow::Channels) {
        PlotLayer line = series(column.isModel ? Mark::Points : Mark::Line, QObject::tr("Relative error"), ink, {},
                                picture.channels);
        for (std::size_t i = 0; i < picture.channels.size(); ++i) line.x.push_back(static_cast<double>(i));
        return {std::move(line)};
    }
    return {};
}

QString rowTitle(BoardRow row, bool isModel) {
    switch (row) {
    case BoardRow::Values: return QObject::tr("Weights: stored (line), result (bars), grid (ticks) · density");
    case BoardRow::Errors: return QObject::tr("Error ŵ − w · density");
    case BoardRow::Map: return isModel ? QObject::tr("relative MSE by module and layer") : QObject::tr("Error map");
    case BoardRow::Channels:
        return isModel ? QObject::tr("relative MSE by tensor, in network order")
                       : QObject::tr("Relative error by input channel");
    case BoardRow::Propagation: return QObject::tr("Relative MSE of the activations by layer, on the text");
    }
    return {};
}

Axis rowAxisX(BoardRow row) {
    Axis axis;
    axis.markZero = row == BoardRow::Values || row == BoardRow::Errors;
    axis.whole = row == BoardRow::Channels || row == BoardRow::Propagation;
    return axis;
}

Axis rowAxisY(BoardRow) { return {{}, {}, Scale::Log}; }

std::optional<Range> united(std::optional<Range> a, std::optional<Range> b) {
    if (!a) return b;
    if (!b) return a;
    return Range{std::min(a->low, b->low), std::max(a->high, b->high)};
}

std::optional<Range> rowExtentX(BoardRow, const std::vector<PlotLayer>& layers) {
    std::optional<Range> range;
    for (const PlotLayer& layer : layers)
        if (layer.mark != Mark::Ticks) range = united(range, extentX(layer, Scale::Linear));
    return range;
}

std::optional<Range> rowExtentY(BoardRow row, const std::vector<PlotLayer>& layers) {
    std::optional<Range> range;
    for (const PlotLayer& layer : layers)
        if (layer.mark != Mark::Ticks) range = united(range, extentY(layer, Scale::Log));
    const bool isDensity = row == BoardRow::Values || row == BoardRow::Errors;
    if (range && isDensity) range->low = std::max(range->low, range->high * kDensityDepth);
    return range;
}

QString rowReadout(BoardRow row, const std::vector<PlotLayer>& layers, double x) {
    QStringList parts;
    double where = x;
    for (const PlotLayer& layer : layers) {
        if (layer.mark == Mark::Ticks) continue;
        const auto value = valueAt(layer, x, &where);
        if (!value || std::isnan(*value)) continue;
        const QString number = formatNumber(*value, 3);
        parts << (layers.size() > 1 ? QStringLiteral("%1 %2").arg(number, layer.name) : number);
    }
    if (parts.isEmpty()) return {};
    const bool isWhole = rowAxisX(row).whole;
    return QStringLiteral("%1: %2").arg(isWhole ? formatInteger(static_cast<std::int64_t>(std::llround(where)))
                                                : formatNumber(where, 3),
                                        parts.join(QStringLiteral(", ")));
}

} // namespace qscope
