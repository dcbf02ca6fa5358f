// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_traces/trace_charts.h"

#include "plugins/sdk/widgets/tensor_subject.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

namespace qscope {

namespace {

/// Places that lie in equal ratios, or nearly so, belong on a logarithmic axis.
bool inRatios(const std::vector<double>& x) {
    if (x.size() < 8 || !(x.front() > 0) || !(x.back() > 20 * x.front())) return false;
    return x[x.size() / 2] < 3 * std::sqrt(x.front() * x.back());
}

/// A number that people count by: steps, rounds, ranks.
bool isWhole(const std::vector<double>& x) {
    return std::ranges::all_of(x, [](double value) { return value == std::floor(value); });
}

/// Title of the chart and name of the curve.
std::pair<QString, QString> namesOf(const engine::Trace& trace) {
    const QString title = QString::fromStdString(trace.title);
    const auto colon = title.indexOf(QStringLiteral(": "));
    if (colon < 0) return {title, {}};
    return {title.left(colon), title.mid(colon + 2)};
}

PlotLayer layerOf(const engine::Trace& trace, int method, std::size_t nth) {
    static constexpr std::array kDashes{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    PlotLayer layer{trace.y.size() == 1 ? Mark::Points : Mark::Line, {}, Ink::ofCategory(method), trace.x, trace.y};
    if (layer.x.empty()) {
        layer.x.resize(layer.y.size());
        std::iota(layer.x.begin(), layer.x.end(), 1.0);
    }
    layer.dash = kDashes[nth % kDashes.size()];
    layer.shape = method;
    return layer;
}

TraceChart& chartFor(std::vector<TraceChart>& charts, const QString& title, const engine::Trace& trace) {
    const QString x = QString::fromStdString(trace.xLabel), y = QString::fromStdString(trace.yLabel);
    const auto found = std::ranges::find_if(charts, [&](const TraceChart& chart) {
        return chart.title == title && chart.x.title == x && chart.y.title == y;
    });
    if (found != charts.end()) return *found;
    charts.push_back({title, {x, {}}, {y, {}}});
    return charts.back();
}

} // namespace

std::vector<TraceChart> traceCharts(const engine::CompareReport& report, std::int64_t tensor) {
    std::vector<TraceChart> charts;
    for (int method = 0; method < static_cast<int>(report.methods.size()); ++method) {
        const engine::TensorResult* result = resultOf(report.methods[static_cast<std::size_t>(method)], tensor);
        if (!result) continue;
        for (const engine::Trace& trace : result->traces) {
            if (trace.y.empty() || (!trace.x.empty() && trace.x.size() != trace.y.size())) continue;
            const auto [title, curve] = namesOf(trace);
            TraceChart& chart = chartFor(charts, title, trace);
            const auto nth = static_cast<std::size_t>(std::ranges::count_if(chart.layers, [&](const PlotLayer& layer) {
                return layer.mark == Mark::Line && layer.ink.category == method;
            }));
            PlotLayer layer = layerOf(trace, method, nth);
            layer.name = curve;
            chart.layers.push_back(std::move(layer));
            chart.methods.push_back(method);
        }
    }
    for (TraceChart& chart : charts) {
        const bool several = std::set<int>(chart.methods.begin(), chart.methods.end()).size() > 1;
        for (std::size_t i = 0; i < chart.layers.size(); ++i) {
            PlotLayer& layer = chart.layers[i];
            const QString label =
                QString::fromStdString(report.methods[static_cast<std::size_t>(chart.methods[i])].label);
            if (layer.name.isEmpty())
                layer.name = label;
            else if (several)
                layer.name = QStringLiteral("%1, %2").arg(label, layer.name);
        }
        // A chart of one curve has no legend: what the curve is called belongs to the title.
        if (chart.layers.size() == 1 && !several)
            if (const auto curve = chart.layers[0].name;
                curve != QString::fromStdString(report.methods[static_cast<std::size_t>(chart.methods[0])].label))
                chart.title = QStringLiteral("%1, %2").arg(chart.title, curve);
        const auto positive = [](const PlotLayer& layer) {
            return std::ranges::all_of(layer.y, [](double y) { return !std::isfinite(y) || y > 0; });
        };
        chart.mayBeLog = !chart.y.title.contains(QLatin1Char('%')) && std::ranges::all_of(chart.layers, positive);
        if (inRatios(chart.layers[0].x)) chart.x.scale = Scale::Log;
        chart.x.whole = chart.x.scale == Scale::Linear &&
                        std::ranges::all_of(chart.layers, [](const PlotLayer& layer) { return isWhole(layer.x); });
    }
    return charts;
}

std::vector<std::size_t> tracedTensors(const engine::CompareReport& report) {
    std::set<std::size_t> tensors;
    for (const auto& method : report.methods)
        for (const auto& result : method.tensors)
            if (!result.traces.empty()) tensors.insert(result.tensor);
    return {tensors.begin(), tensors.end()};
}

} // namespace qscope
