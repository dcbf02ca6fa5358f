// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_propagation/propagation_model.h"

#include "engine/analysis/metrics.h"
#include "plugins/sdk/format.h"

#include <QObject>

#include <algorithm>
#include <cmath>
#include <map>

namespace qscope {

namespace {

using engine::MethodPropagation;
using engine::PropagatedPlace;

/// Colours reach up to here at most of the values; the few beyond are counted.
constexpr double kShownShare = 0.99;

double valueOf(const PropagatedPlace& place, Quantity quantity, bool reference) {
    switch (quantity) {
    case Quantity::RelativeMse: return place.metrics.relativeMse;
    case Quantity::Sqnr: return place.metrics.sqnrDb;
    case Quantity::Cosine: return place.metrics.cosine;
    case Quantity::MaxToMean: return reference ? place.referenceMaxToMean : place.maxToMean;
    case Quantity::Kurtosis: return reference ? place.referenceKurtosis : place.kurtosis;
    }
    return 0;
}

/// The stream stands in the middle of its block, parts spread over it evenly in the order in which they run.
std::vector<double> positions(const std::vector<PropagatedPlace>& places) {
    std::map<int, int> count, seen;
    for (const PropagatedPlace& place : places) ++count[place.layer];
    std::vector<double> x;
    for (const PropagatedPlace& place : places)
        x.push_back(place.layer - 0.5 + (seen[place.layer]++ + 0.5) / count[place.layer]);
    return x;
}

QString shown(double value, Quantity quantity) {
    if (quantity == Quantity::Sqnr) return formatDecibels(value);
    return quantity == Quantity::Cosine ? formatNumber(value, 5) : formatNumber(value, 3);
}

PlotLayer lineOf(const MethodPropagation& method, Quantity quantity, Places places, bool reference) {
    PlotLayer line;
    const auto& all = placesOf(method, places);
    line.x = positions(all);
    for (const PropagatedPlace& place : all) {
        line.y.push_back(valueOf(place, quantity, reference));
        line.labels.push_back(QString::fromStdString(place.name));
    }
    return line;
}

} // namespace

QString nameOf(Quantity quantity) {
    switch (quantity) {
    case Quantity::RelativeMse: return QObject::tr("Relative MSE");
    case Quantity::Sqnr: return QObject::tr("SQNR");
    case Quantity::Cosine: return QObject::tr("Cosine");
    case Quantity::MaxToMean: return QObject::tr("Maximum to mean");
    case Quantity::Kurtosis: return QObject::tr("Kurtosis");
    }
    return {};
}

Axis axisOf(Quantity quantity) {
    const bool linear = quantity == Quantity::Sqnr || quantity == Quantity::Cosine;
    return {nameOf(quantity), quantity == Quantity::Sqnr ? QObject::tr("dB") : QString(),
            linear ? Scale::Linear : Scale::Log};
}

DepthAxis depthAxis(const engine::PropagationReport& report) {
    DepthAxis depth;
    depth.axis.title = QObject::tr("Layer");
    if (report.methods.empty() || report.methods.front().layers.empty()) return depth;
    const MethodPropagation& method = report.methods.front();
    const int last = method.layers.back().layer;
    const int step = std::max(1, (last + 12) / 12); // about a dozen numbers
    for (const PropagatedPlace& place : method.layers) {
        const double middle = place.layer;
        if (place.layer % 2 == 1) depth.bands.push_back({middle - 0.5, middle + 0.5});
        if (place.layer % step == 0) depth.axis.fixedTicks.push_back({middle, true, QString::number(place.layer)});
    }
    for (const double x : positions(method.parts)) depth.axis.fixedTicks.push_back({x, false, {}});
    depth.full = {-0.5, last + 0.5};
    return depth;
}

const std::vector<PropagatedPlace>& placesOf(const MethodPropagation& method, Places places) {
    return places == Places::Stream ? method.layers : method.parts;
}

std::vector<PlotLayer> depthLines(const engine::PropagationReport& report, Quantity quantity, Places places,
                                  int selectedLayer) {
    std::vector<PlotLayer> lines;
    const auto add = [&](PlotLayer line, const QString& name, int category) {
        line.name = name;
        line.ink = Ink::ofCategory(category);
        line.dash = category < 8 ? Qt::SolidLine : Qt::DashLine; // colours come round again after eight
        const auto last = std::find_if(line.y.rbegin(), line.y.rend(),
                                       [&](double y) { return isDrawable(y, axisOf(quantity).scale); });
        if (last != line.y.rend()) line.endLabel = QStringLiteral("%1  %2").arg(shown(*last, quantity), name);
        lines.push_back(std::move(line));
    };
    for (std::size_t m = 0; m < report.methods.size(); ++m) {
        const MethodPropagation& method = report.methods[m];
        add(lineOf(method, quantity, places, false), QString::fromStdString(method.label), static_cast<int>(m));
        if (places != Places::Stream) continue;
        for (std::size_t i = 0; i < method.layers.size(); ++i)
            if (method.layers[i].layer == selectedLayer) lines.back().selected = static_cast<int>(i);
    }
    const bool shape = quantity == Quantity::MaxToMean || quantity == Quantity::Kurtosis;
    if (shape && !report.methods.empty())
        add(lineOf(report.methods.front(), quantity, places, true), QObject::tr("Full precision"), -1);
    return lines;
}

QString describePlace(const QString& method, const PropagatedPlace& place) {
    return QObject::tr("%1\n%2\nRelative MSE %3, SQNR %4, cosine %5\nKurtosis %6 (full precision %7)")
        .arg(method, QString::fromStdString(place.name), formatNumber(place.metrics.relativeMse),
             formatDecibels(place.metrics.sqnrDb), formatNumber(place.metrics.cosine, 6), formatNumber(place.kurtosis),
             formatNumber(place.referenceKurtosis));
}

TokenMatrix tokenMatrix(const MethodPropagation& method) {
    TokenMatrix matrix;
    HeatmapInfo& info = matrix.info;
    info.rows = static_cast<std::int64_t>(method.layers.size());
    info.columns = method.layers.empty() ? 0 : static_cast<std::int64_t>(method.layers.front().tokenError.size());
    for (const PropagatedPlace& place : method.layers)
        matrix.values.insert(matrix.values.end(), place.tokenError.begin(), place.tokenError.end());
    info.rowTitle = QObject::tr("Layer");
    info.columnTitle = QObject::tr("Token");
    info.valueTitle = QObject::tr("Error");
    info.isSigned = false;
    std::vector<float> sorted = matrix.values;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty()) return matrix;
    const auto place = static_cast<std::size_t>(kShownShare * static_cast<double>(sorted.size() - 1));
    info.limit = sorted[place] > 0 ? static_cast<double>(sorted[place]) : 1;
    const auto beyond = std::count_if(sorted.begin(), sorted.end(),
                                      [&](float value) { return static_cast<double>(value) > info.limit; });
    info.note = beyond == 0 ? QObject::tr("Full range to %1").arg(formatNumber(info.limit))
                            : QObject::tr("%1 values beyond %2, the largest %3")
                                  .arg(QString::number(beyond), formatNumber(info.limit, 3),
                                       formatNumber(static_cast<double>(sorted.back()), 3));
    return matrix;
}

QString shownPiece(const std::string& piece) {
    QString text;
    for (const QChar c : QString::fromStdString(piece)) {
        if (c == QLatin1Char('\n'))
            text += QStringLiteral("\\n");
        else if (c == QLatin1Char(' '))
            text += QChar::Nbsp; // lines do not break inside the quotes
        else if (c.isPrint())
            text += c;
        else
            text += QStringLiteral("\\x%1").arg(static_cast<int>(c.unicode()), 2, 16, QLatin1Char('0'));
    }
    return QStringLiteral("“%1”").arg(text);
}

PlotLayer attributionBars(const MethodPropagation& method, int category, Attributed what, int selectedLayer) {
    PlotLayer bars{Mark::Bars, QObject::tr("KL divergence"), Ink::ofCategory(category), {}, {}};
    bars.inLegend = false;
    for (const engine::LayerEffect& effect : method.attribution) {
        const engine::PartialEffect& part = what == Attributed::Alone  ? effect.alone
                                            : what == Attributed::UpTo ? effect.upTo
                                                                       : effect.without;
        if (effect.layer == selectedLayer) bars.selected = static_cast<int>(bars.y.size());
        bars.x.push_back(effect.layer - 0.5);
        bars.y.push_back(part.klDivergence);
    }
    if (!bars.x.empty()) bars.x.push_back(bars.x.back() + 1);
    return bars;
}

} // namespace qscope
