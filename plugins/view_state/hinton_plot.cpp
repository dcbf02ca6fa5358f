// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/hinton_plot.h"

#include "plugins/sdk/format.h"

#include <QObject>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

double labelWidth(const CityPlot& plot) {
    return plot.labels.isEmpty()
               ? 0
               : QFontMetricsF(Theme::ticks()).horizontalAdvance(QStringLiteral("|%1⟩").arg(plot.labels[0])) + 8;
}

} // namespace

QRectF hintonCells(const CityPlot& plot, const QRectF& area) {
    const double left = labelWidth(plot), top = 22;
    const double side = std::max(8.0, std::min(area.width() - 2 * left, area.height() - top - 8));
    return {area.center().x() - side / 2, area.top() + top, side, side};
}

int hintonCellAt(const CityPlot& plot, const QRectF& area, QPointF point) {
    const QRectF cells = hintonCells(plot, area);
    const double step = cells.width() / plot.size;
    const auto row = static_cast<int>(std::floor((point.y() - cells.top()) / step));
    const auto column = static_cast<int>(std::floor((point.x() - cells.left()) / step));
    return row >= 0 && column >= 0 && row < plot.size && column < plot.size ? row * plot.size + column : -1;
}

void paintHinton(QPainter& painter, const QRectF& area, const CityPlot& plot, int highlighted, const Theme& theme) {
    const QRectF cells = hintonCells(plot, area);
    const double step = cells.width() / plot.size;
    painter.fillRect(cells, theme.color(Role::Raised));
    painter.setPen(QPen(theme.color(Role::Faint), 0.5));
    for (int line = 0; line <= plot.size; ++line) {
        painter.drawLine(QPointF(cells.left() + line * step, cells.top()),
                         QPointF(cells.left() + line * step, cells.bottom()));
        painter.drawLine(QPointF(cells.left(), cells.top() + line * step),
                         QPointF(cells.right(), cells.top() + line * step));
    }
    for (int row = 0; row < plot.size; ++row)
        for (int column = 0; column < plot.size; ++column) {
            const auto index = static_cast<std::size_t>(row * plot.size + column);
            const double share = std::abs(plot.heights[index]) / plot.top;
            const QPointF center(cells.left() + (column + 0.5) * step, cells.top() + (row + 0.5) * step);
            const double half = std::sqrt(std::min(1.0, share)) * step * 0.46;
            if (share > 1e-6) {
                painter.setPen(Qt::NoPen);
                painter.setBrush(plot.colors[index]);
                painter.drawRect(QRectF(center.x() - half, center.y() - half, 2 * half, 2 * half));
                if (!plot.phases.empty() && half > 6) { // the hand, 0 to the right as on the wheel
                    painter.setPen(QPen(plot.colors[index].darker(300), 1.5, Qt::SolidLine, Qt::RoundCap));
                    painter.drawLine(center,
                                     center + QPointF(std::cos(plot.phases[index]), -std::sin(plot.phases[index])) *
                                                  half * 0.9);
                }
            }
            if (static_cast<int>(index) == highlighted) {
                painter.setPen(QPen(theme.color(Role::Text), 1.5));
                painter.setBrush(Qt::NoBrush);
                painter.drawRect(QRectF(cells.left() + column * step, cells.top() + row * step, step, step));
            }
        }
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Muted));
    const QFontMetricsF metrics(Theme::ticks());
    const int everyRow = std::max(1, static_cast<int>(std::ceil(metrics.height() * 0.9 / step)));
    const int everyColumn = std::max(1, static_cast<int>(std::ceil(labelWidth(plot) / step)));
    const double wide = labelWidth(plot);
    for (int i = 0; i < plot.size; i += everyRow)
        painter.drawText(QRectF(cells.left() - wide - 2, cells.top() + (i + 0.5) * step - 9, wide, 18),
                         Qt::AlignRight | Qt::AlignVCenter, QStringLiteral("|%1⟩").arg(plot.labels[i]));
    for (int i = 0; i < plot.size; i += everyColumn)
        painter.drawText(QRectF(cells.left() + (i + 0.5) * step - wide / 2, cells.top() - 20, wide, 18),
                         Qt::AlignCenter, QStringLiteral("⟨%1|").arg(plot.labels[i]));
    painter.drawText(QRectF(cells.right() + 8, cells.bottom() - 20, area.right() - cells.right() - 8, 18),
                     Qt::AlignLeft | Qt::AlignVCenter, QObject::tr("full cell: %1").arg(formatNumber(plot.top, 3)));
}

} // namespace qscope
