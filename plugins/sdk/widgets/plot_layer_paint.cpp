// SPDX-License-Identifier: GPL-3.0-or-later
// How layers look and where a click on them lands.
#include "plugins/sdk/widgets/plot_layer.h"

#include <QPainter>
#include <QPainterPath>
#include <QPolygonF>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kHitRadius = 10; // pixels
constexpr double kPointRadius = 4;
constexpr double kTickHeight = 10;

double baseline(const PlotFrame& frame) {
    if (frame.yAxis.scale == Scale::Log) return frame.area.bottom();
    return std::clamp(frame.toPixel(frame.x.low, 0).y(), frame.area.top(), frame.area.bottom());
}

/// Tallest bar (largest |y|) of each pixel column, as (left, right, pixel y).
struct Column {
    double left;
    double right;
    double y;
    std::size_t index;
};
std::vector<Column> columnsOf(const PlotLayer& layer, const PlotFrame& frame) {
    std::vector<Column> columns;
    for (std::size_t i = 0; i < layer.y.size(); ++i) {
        const bool empty = !isDrawable(layer.y[i], frame.yAxis.scale);
        if (layer.x[i + 1] < frame.x.low || layer.x[i] > frame.x.high) continue;
        const double left = frame.toPixel(layer.x[i], 0).x();
        const double right = frame.toPixel(layer.x[i + 1], 0).x();
        const double y = empty ? frame.area.bottom() + 1 : frame.toPixel(0, layer.y[i]).y();
        if (!columns.empty() && right - left < 1 && std::floor(left) == std::floor(columns.back().left)) {
            columns.back().right = right;
            const std::size_t other = columns.back().index;
            if (!empty && !(std::abs(layer.y[other]) >= std::abs(layer.y[i])))
                columns.back().y = y, columns.back().index = i;
            continue;
        }
        columns.push_back({left, right, y, i});
    }
    return columns;
}

void paintBars(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    const double base = baseline(frame);
    const QColor color = layer.ink.color(theme);
    painter.setRenderHint(QPainter::Antialiasing, false);
    for (const Column& column : columnsOf(layer, frame)) {
        if (!isDrawable(layer.y[column.index], frame.yAxis.scale)) continue;
        const double width = std::max(1.0, column.right - column.left);
        const double gap = width >= 4 ? 1 : 0;
        painter.fillRect(
            QRectF(QPointF(std::round(column.left), base), QPointF(std::round(column.left + width) - gap, column.y))
                .normalized(),
            color);
    }
    if (layer.selected >= 0 && layer.selected < static_cast<int>(layer.y.size())) {
        const auto i = static_cast<std::size_t>(layer.selected);
        const double left = frame.toPixel(layer.x[i], 0).x();
        const double right = std::max(left + 2, frame.toPixel(layer.x[i + 1], 0).x());
        const double y = isDrawable(layer.y[i], frame.yAxis.scale) ? frame.toPixel(0, layer.y[i]).y() : base;
        painter.fillRect(QRectF(QPointF(left, base), QPointF(right, y)).normalized(), theme.color(Role::Accent));
        // A thin bar is easy to lose: a marker on the axis shows where it is.
        const double x = (left + right) / 2;
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setBrush(theme.color(Role::Accent));
        painter.setPen(Qt::NoPen);
        const double bottom = frame.area.bottom();
        painter.drawPolygon(QPolygonF{{x, bottom - 7}, {x - 4, bottom}, {x + 4, bottom}});
    }
}

void paintSteps(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    QPolygonF outline;
    for (const Column& column : columnsOf(layer, frame)) {
        const double y = std::min(column.y, frame.area.bottom() + 1);
        outline << QPointF(column.left, y) << QPointF(std::max(column.right, column.left), y);
    }
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(layer.ink.color(theme), 1.5, layer.dash, Qt::FlatCap, Qt::MiterJoin));
    painter.drawPolyline(outline);
}

QPainterPath symbol(int shape, QPointF at, double radius) {
    QPainterPath path;
    switch (((shape % 4) + 4) % 4) {
    case 0: path.addEllipse(at, radius, radius); break;
    case 1: path.addRect(QRectF(at.x() - radius * 0.9, at.y() - radius * 0.9, radius * 1.8, radius * 1.8)); break;
    case 2:
        path.addPolygon(QPolygonF{{at.x(), at.y() - radius * 1.2},
                                  {at.x() - radius * 1.1, at.y() + radius * 0.9},
                                  {at.x() + radius * 1.1, at.y() + radius * 0.9}});
        path.closeSubpath();
        break;
    default:
        path.addPolygon(QPolygonF{{at.x(), at.y() - radius * 1.3},
                                  {at.x() - radius * 1.3, at.y()},
                                  {at.x(), at.y() + radius * 1.3},
                                  {at.x() + radius * 1.3, at.y()}});
        path.closeSubpath();
    }
    return path;
}

void paintLine(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    const QColor color = layer.ink.color(theme);
    painter.setPen(QPen(color, 1.75, layer.dash, Qt::RoundCap, Qt::RoundJoin));
    painter.setBrush(Qt::NoBrush);
    QPolygonF piece;
    const auto flush = [&] {
        if (piece.size() == 1)
            painter.drawPoint(piece.front());
        else
            painter.drawPolyline(piece);
        piece.clear();
    };
    for (const std::size_t i :
         decimate(layer.x, layer.y, frame.x, frame.xAxis.scale, static_cast<int>(frame.area.width()))) {
        if (isDrawable(layer.x[i], frame.xAxis.scale) && isDrawable(layer.y[i], frame.yAxis.scale))
            piece << frame.toPixel(layer.x[i], layer.y[i]);
        else
            flush(); // a gap in the data is a gap in the line
    }
    flush();
    if (layer.selected >= 0 && layer.selected < static_cast<int>(layer.y.size())) {
        const auto i = static_cast<std::size_t>(layer.selected);
        if (!isDrawable(layer.x[i], frame.xAxis.scale) || !isDrawable(layer.y[i], frame.yAxis.scale)) return;
        painter.setPen(QPen(theme.color(Role::Accent), 2));
        painter.setBrush(color);
        painter.drawEllipse(frame.toPixel(layer.x[i], layer.y[i]), kPointRadius, kPointRadius);
    }
}

void paintPoints(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    const QColor color = layer.ink.color(theme);
    // Many points are a cloud: smaller, without an outline.
    const bool dense = layer.x.size() > 200;
    const double radius = dense ? 1.75 : kPointRadius;
    painter.setPen(dense ? QPen(Qt::NoPen) : QPen(theme.color(Role::Surface), 1));
    painter.setBrush(color);
    for (const std::size_t i :
         decimate(layer.x, layer.y, frame.x, frame.xAxis.scale, static_cast<int>(frame.area.width())))
        if (isDrawable(layer.x[i], frame.xAxis.scale) && isDrawable(layer.y[i], frame.yAxis.scale))
            painter.drawPath(symbol(layer.shape, frame.toPixel(layer.x[i], layer.y[i]), radius));
    if (layer.labelSide != LabelSide::None) {
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        for (std::size_t i = 0; i < std::min(layer.x.size(), layer.labels.size()); ++i) {
            if (!isDrawable(layer.x[i], frame.xAxis.scale) || !isDrawable(layer.y[i], frame.yAxis.scale)) continue;
            const QPointF at = frame.toPixel(layer.x[i], layer.y[i]);
            const double needed = painter.fontMetrics().horizontalAdvance(layer.labels[i]) + 8;
            const bool fitsLeft = at.x() - needed >= frame.area.left(),
                       fitsRight = at.x() + needed <= frame.area.right();
            const bool left = layer.labelSide == LabelSide::AboveLeft ? fitsLeft || !fitsRight : !fitsRight && fitsLeft;
            const QRectF room = left ? QRectF(frame.area.left(), at.y() - 20, at.x() - 4 - frame.area.left(), 16)
                                     : QRectF(at.x() + 4, at.y() + 4, frame.area.right() - at.x() - 4, 16);
            painter.drawText(
                room, (left ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter,
                painter.fontMetrics().elidedText(layer.labels[i], Qt::ElideRight, static_cast<int>(room.width())));
        }
    }
    if (layer.selected >= 0 && layer.selected < static_cast<int>(layer.y.size())) {
        const auto i = static_cast<std::size_t>(layer.selected);
        painter.setPen(QPen(theme.color(Role::Accent), 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(frame.toPixel(layer.x[i], layer.y[i]), radius + 4, radius + 4);
    }
}

void paintTicks(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    painter.setRenderHint(QPainter::Antialiasing, false);
    const QColor color = layer.ink.color(theme), ground = theme.color(Role::Surface);
    double before = -1e9;
    for (const double value : layer.x) {
        if (!frame.x.contains(value)) continue;
        const double x = std::round(frame.toPixel(value, 0).x());
        if (x - before < 1) continue;
        before = x;
        // A rim of the ground colour keeps the tick apart from bars of any colour behind it.
        painter.fillRect(QRectF(x - 1, frame.area.bottom() - kTickHeight - 1, 3, kTickHeight + 1), ground);
        painter.fillRect(QRectF(x, frame.area.bottom() - kTickHeight, 1, kTickHeight), color);
    }
}

} // namespace

void paintLayer(QPainter& painter, const PlotLayer& layer, const PlotFrame& frame, const Theme& theme) {
    if (hasEdges(layer) && layer.x.size() != layer.y.size() + 1) return;
    painter.setRenderHint(QPainter::Antialiasing);
    switch (layer.mark) {
    case Mark::Bars: paintBars(painter, layer, frame, theme); break;
    case Mark::Steps: paintSteps(painter, layer, frame, theme); break;
    case Mark::Line: paintLine(painter, layer, frame, theme); break;
    case Mark::Points: paintPoints(painter, layer, frame, theme); break;
    case Mark::Ticks: paintTicks(painter, layer, frame, theme); break;
    }
}

std::optional<int> hitLayer(const PlotLayer& layer, const PlotFrame& frame, QPointF pixel) {
    if (!layer.interactive || layer.mark == Mark::Ticks || layer.y.empty()) return std::nullopt;
    if (hasEdges(layer)) {
        if (layer.x.size() != layer.y.size() + 1) return std::nullopt;
        for (const Column& column : columnsOf(layer, frame))
            if (pixel.x() >= column.left && pixel.x() < std::max(column.right, column.left + 1))
                return static_cast<int>(column.index);
        return std::nullopt;
    }
    std::optional<int> nearest;
    double best = layer.mark == Mark::Points ? kHitRadius : 1e300;
    for (std::size_t i = 0; i < std::min(layer.x.size(), layer.y.size()); ++i) {
        if (!isDrawable(layer.x[i], frame.xAxis.scale) || !isDrawable(layer.y[i], frame.yAxis.scale)) continue;
        const QPointF at = frame.toPixel(layer.x[i], layer.y[i]);
        const double distance = layer.mark == Mark::Points ? std::hypot(at.x() - pixel.x(), at.y() - pixel.y())
                                                           : std::abs(at.x() - pixel.x());
        if (distance < best) best = distance, nearest = static_cast<int>(i);
    }
    return nearest;
}

} // namespace qscope
