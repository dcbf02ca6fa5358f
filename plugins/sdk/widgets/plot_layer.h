// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"
#include "plugins/sdk/widgets/axis.h"

#include <QPointF>
#include <QRectF>
#include <QString>

#include <optional>
#include <vector>

class QPainter;

namespace qscope {

/// A colour by meaning, looked up when painting so that a theme switch repaints right.
struct Ink {
    Role role = Role::Text;
    std::optional<int> category; ///< as in `Theme::category`; wins over the role

    [[nodiscard]] static Ink of(Role role) { return {role, std::nullopt}; }
    [[nodiscard]] static Ink ofCategory(int index) { return {Role::Text, index}; }
    [[nodiscard]] QColor color(const Theme& theme) const {
        return category ? theme.category(*category) : theme.color(role);
    }
};

/// Bars and Steps: `x` holds the edges, one more than `y`. Line and Points: equal lengths. Ticks: `x` alone, short
/// strokes on the x axis. Values that are not finite, or not positive on a log axis, are left out.
enum class Mark : std::uint8_t { Bars, Steps, Line, Points, Ticks };

/// AboveLeft turns to BelowRight where the label has no room.
enum class LabelSide : std::uint8_t { None, AboveLeft, BelowRight };

/// One series of a plot, as data.
struct PlotLayer {
    Mark mark = Mark::Line;
    QString name; ///< in the read-out, the legend and the CSV header
    Ink ink;
    std::vector<double> x;
    std::vector<double> y;
    std::vector<QString> labels = {}; ///< of single points, in the read-out; empty or one per point
    QString endLabel = {};            ///< written after the last point of a line, in its colour
    Qt::PenStyle dash = Qt::SolidLine;
    int shape = 0;           ///< of Points: 0 disc, 1 square, 2 triangle, 3 diamond, then again
    int selected = -1;       ///< this point or bar wears the accent colour
    bool interactive = true; ///< takes part in hovering and clicking
    bool inLegend = true;
    LabelSide labelSide = LabelSide::None; ///< of Points: where each label is written beside its point
    bool onHover = false;                  ///< drawn only while the cursor is over the plot
};

/// Whether `x` holds edges.
[[nodiscard]] inline bool hasEdges(const PlotLayer& layer) {
    return layer.mark == Mark::Bars || layer.mark == Mark::Steps;
}
/// Whether a value has a place on an axis of this scale.
[[nodiscard]] bool isDrawable(double value, Scale scale);

/// Where the data lies on the widget.
struct PlotFrame {
    QRectF area;
    Axis xAxis;
    Axis yAxis;
    Range x;
    Range y;

    [[nodiscard]] QPointF toPixel(double xValue, double yValue) const;
    [[nodiscard]] QPointF toValue(QPointF pixel) const;
};

/// Paints within `frame.area` (the caller clips); long series are reduced to the extremes of each pixel column.
void paintLayer(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme);

/// The point or bar that `pixel` means, or nothing: Bars and Steps take the whole column under the pixel (the tallest
/// of those that share it), Line the nearest x, Points those within 10 pixels.
[[nodiscard]] std::optional<int> hitLayer(const PlotLayer& layer, const PlotFrame& frame, QPointF pixel);

/// Smallest range that holds the layer's drawable values; nothing when there are none.
[[nodiscard]] std::optional<Range> extentX(const PlotLayer& layer, Scale scale);
[[nodiscard]] std::optional<Range> extentY(const PlotLayer& layer, Scale scale);

/// Indices of at most `2 * columns` points that keep the smallest and largest y of each of `columns` equal slices of
/// the pixel range; `x` ascending. All of them when they are few.
[[nodiscard]] std::vector<std::size_t> decimate(const std::vector<double>& x, const std::vector<double>& y,
                                                const Range& range, Scale scale, int columns);

/// All layers as comma-separated text, C locale, full precision: one block of columns per layer.
[[nodiscard]] QString layersAsCsv(const std::vector<PlotLayer>& layers, const Axis& x, const Axis& y);

} // namespace qscope
