// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/pareto_model.h"

#include <QObject>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

constexpr std::size_t kAllNamed = 12; // more names than these would cover one another

struct Point {
    double cost, quality;
    std::size_t method;
};

/// The points that no other beats in both, by rising cost.
std::vector<Point> frontOf(std::vector<Point> points, int better) {
    std::sort(points.begin(), points.end(), [better](const Point& a, const Point& b) {
        return a.cost < b.cost || (a.cost == b.cost && a.quality * better > b.quality * better);
    });
    std::vector<Point> front;
    double best = -std::numeric_limits<double>::infinity();
    for (const Point& point : points) {
        if (point.quality * better <= best) continue;
        best = point.quality * better;
        front.push_back(point);
    }
    return front;
}

} // namespace

Axis axisOf(const Figure& figure) {
    const engine::MetricInfo& metric = engine::metric(figure.key);
    const auto text = [](std::string_view part) {
        return QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size()));
    };
    // What has a unit of its own in its name, and what is read as percent, is shown as it is.
    const bool plain = figure.key == "bits_per_weight";
    return {text(metric.name), plain ? QString() : text(metric.unit), figure.isLog ? Scale::Log : Scale::Linear};
}

std::vector<PlotLayer> paretoLayers(const ParetoChart& chart) {
    const Axis x = axisOf(chart.cost), y = axisOf(chart.quality);
    std::vector<Point> points;
    for (std::size_t i = 0; i < chart.report.methods.size(); ++i) {
        const engine::MethodResult& method = chart.report.methods[i];
        const Point point{valueOf(chart.cost, method, chart.scope), valueOf(chart.quality, method, chart.scope), i};
        if (isDrawable(point.cost, x.scale) && isDrawable(point.quality, y.scale)) points.push_back(point);
    }
    const int better = betterWay(chart.quality);
    const auto front = frontOf(points, better);
    std::vector<PlotLayer> layers(chart.report.methods.size() + 1);
    PlotLayer& line = layers.front() = {Mark::Line, QObject::tr("Front"), Ink::of(Role::Faint), {}, {}};
    line.interactive = line.inLegend = false;
    line.dash = Qt::DashLine;
    std::set<std::size_t> onFront;
    for (const Point& point : front) {
        line.x.push_back(point.cost);
        line.y.push_back(point.quality);
        onFront.insert(point.method);
    }
    for (std::size_t i = 0; i < chart.report.methods.size(); ++i) {
        PlotLayer& point = layers[i + 1];
        point = {Mark::Points,
                 QString::fromStdString(chart.report.methods[i].label),
                 Ink::ofCategory(static_cast<int>(i)),
                 {},
                 {}};
        point.inLegend = false;
        point.shape = static_cast<int>(i / 8);
    }
    for (const Point& at : points) {
        PlotLayer& point = layers[at.method + 1];
        const int index = static_cast<int>(at.method);
        point.x = {at.cost};
        point.y = {at.quality};
        point.labels = {point.name};
        if (index == chart.selected) point.selected = 0;
        const bool isFirst = onFront.contains(at.method);
        if (points.size() > kAllNamed && !isFirst && index != chart.selected && !chart.named.contains(index)) continue;
        // Nothing lies on the better side of the front, so that its labels have room there; the others' go the other
        // way.
        point.labelSide = isFirst == (better > 0) ? LabelSide::AboveLeft : LabelSide::BelowRight;
    }
    return layers;
}

} // namespace qscope
