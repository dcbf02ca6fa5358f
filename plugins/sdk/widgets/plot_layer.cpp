// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/plot_layer.h"

#include <QStringList>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

std::optional<Range> extent(const std::vector<double>& values, Scale scale) {
    std::optional<Range> range;
    for (const double value : values) {
        if (!isDrawable(value, scale)) continue;
        if (!range) range = Range{value, value};
        range->low = std::min(range->low, value);
        range->high = std::max(range->high, value);
    }
    return range;
}

} // namespace

bool isDrawable(double value, Scale scale) { return std::isfinite(value) && (scale == Scale::Linear || value > 0); }

QPointF PlotFrame::toPixel(double xValue, double yValue) const {
    // Beyond a few widths a pixel position only has to be outside; painters are slow and inexact far away.
    const double ux = std::clamp(toUnit(xAxis.scale, x, xValue), -8.0, 9.0);
    const double uy = std::clamp(toUnit(yAxis.scale, y, yValue), -8.0, 9.0);
    return {area.left() + ux * area.width(), area.bottom() - uy * area.height()};
}

QPointF PlotFrame::toValue(QPointF pixel) const {
    return {fromUnit(xAxis.scale, x, (pixel.x() - area.left()) / area.width()),
            fromUnit(yAxis.scale, y, (area.bottom() - pixel.y()) / area.height())};
}

std::vector<std::size_t> decimate(const std::vector<double>& x, const std::vector<double>& y, const Range& range,
                                  Scale scale, int columns) {
    std::vector<std::size_t> kept;
    const auto count = std::min(x.size(), y.size());
    columns = std::clamp(columns, 1, 2000);
    if (count <= static_cast<std::size_t>(2 * columns)) {
        for (std::size_t i = 0; i < count; ++i) kept.push_back(i);
        return kept;
    }
    const auto columnOf = [&](std::size_t i) {
        return std::clamp(std::floor(toUnit(scale, range, x[i]) * columns), -1.0, static_cast<double>(columns));
    };
    for (std::size_t begin = 0; begin < count;) {
        std::size_t end = begin, smallest = begin, largest = begin;
        const double column = columnOf(begin);
        for (; end < count && !(columnOf(end) != column); ++end) {
            if (!(y[end] >= y[smallest])) smallest = end;
            if (!(y[end] <= y[largest])) largest = end;
        }
        kept.push_back(std::min(smallest, largest));
        if (smallest != largest) kept.push_back(std::max(smallest, largest));
        begin = std::max(end, begin + 1);
    }
    return kept;
}

std::optional<Range> extentX(const PlotLayer& layer, Scale scale) { return extent(layer.x, scale); }

std::optional<Range> extentY(const PlotLayer& layer, Scale scale) {
    auto range = extent(layer.y, scale);
    if (range && hasEdges(layer) && scale == Scale::Linear) {
        range->low = std::min(range->low, 0.0);
        range->high = std::max(range->high, 0.0);
    }
    return range;
}

QString layersAsCsv(const std::vector<PlotLayer>& layers, const Axis& x, const Axis& y) {
    const auto quoted = [](QString text) {
        if (text.contains(QLatin1Char('"')) || text.contains(QLatin1Char(',')) || text.contains(QLatin1Char('\n')))
            return QLatin1Char('"') + text.replace(QLatin1Char('"'), QLatin1String("\"\"")) + QLatin1Char('"');
        return text;
    };
    const auto number = [](double value) { return QString::number(value, 'g', 17); };
    QStringList lines{QStringList{QStringLiteral("series"), quoted(x.title), QStringLiteral("end"), quoted(y.title),
                                  QStringLiteral("label")}
                          .join(QLatin1Char(','))};
    for (const PlotLayer& layer : layers) {
        const std::size_t count = layer.mark == Mark::Ticks ? layer.x.size() : layer.y.size();
        for (std::size_t i = 0; i < count; ++i)
            lines << QStringList{quoted(layer.name), number(layer.x[i]),
                                 hasEdges(layer) ? number(layer.x[i + 1]) : QString(),
                                 layer.mark == Mark::Ticks ? QString() : number(layer.y[i]),
                                 i < layer.labels.size() ? quoted(layer.labels[i]) : QString()}
                         .join(QLatin1Char(','));
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

} // namespace qscope
