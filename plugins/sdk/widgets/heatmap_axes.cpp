// SPDX-License-Identifier: GPL-3.0-or-later
// What stands around the cells of a Heatmap: ticks or names, titles, the note.
#include "plugins/sdk/widgets/heatmap.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/axis.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kLongestName = 112; // pixels; longer ones are elided

double widestOf(const std::vector<QString>& names, const QFontMetricsF& metrics) {
    double widest = 0;
    for (const QString& name : names) widest = std::max(widest, metrics.horizontalAdvance(name));
    return std::min(widest, kLongestName);
}

/// The first pixel of a cell that begins at `edge`: the one whose middle lies within.
double firstPixel(double edge) { return std::ceil(edge - 0.5); }

} // namespace

QRectF Heatmap::matrixRect() const {
    const QFontMetricsF ticks(Theme::ticks()), caption(Theme::caption());
    const double digits = ticks.horizontalAdvance(formatInteger(std::max<std::int64_t>(m_info.rows - 1, 100)));
    const double left = (m_info.rowNames.empty() ? digits : widestOf(m_info.rowNames, ticks)) + kPad + 4;
    const double top = kPad / 2 + caption.height() + 4 + (m_info.columnMarginal.empty() ? 0 : kMarginal + 4);
    const double bar = kPad * 2 + kBarWidth + 4 + ticks.horizontalAdvance(QStringLiteral("−0.00000"));
    const double right = bar + (m_info.rowMarginal.empty() ? 0 : kMarginal + 4);
    const double across = std::max(1.0, std::floor(width() - left - right));
    const double names = columnNamesStand(across) ? widestOf(m_info.columnNames, ticks) + 4 : ticks.height();
    const double bottom = 4 + names + caption.height() + kPad / 2;
    return {left, top, across, std::max(1.0, std::floor(height() - top - bottom))};
}

/// Whether the names of columns are written upwards, because one is wider than its column at the usual zoom.
bool Heatmap::columnNamesStand(double across) const {
    if (m_info.columnNames.empty()) return false;
    const double widest = widestOf(m_info.columnNames, QFontMetricsF(Theme::ticks()));
    return widest > across / static_cast<double>(m_info.columnNames.size());
}

void Heatmap::paintAxes(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF caption(Theme::caption());
    painter.setFont(Theme::ticks());
    m_info.columnNames.empty() ? paintColumnTicks(painter) : paintColumnNames(painter);
    m_info.rowNames.empty() ? paintRowTicks(painter) : paintRowNames(painter);
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    painter.drawText(QPointF(kPad / 2, kPad / 2 + caption.ascent()), m_info.rowTitle + QStringLiteral(" ↓"));
    painter.drawText(QRectF(rect.left(), height() - caption.height() - 2, rect.width(), caption.height()),
                     Qt::AlignCenter, m_info.columnTitle);
    if (!m_info.note.isEmpty()) {
        const double start = rect.left() + rect.width() * 0.35;
        const double title = width() - caption.horizontalAdvance(m_info.valueTitle) - 2 * kPad;
        const QRectF room(start, kPad / 2, std::min(rect.right() - kPad, title) - start, caption.height());
        painter.drawText(room, Qt::AlignRight | Qt::AlignVCenter,
                         caption.elidedText(m_info.note, Qt::ElideRight, room.width()));
    }
}

void Heatmap::paintColumnTicks(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF metrics(Theme::ticks());
    const double widest = metrics.horizontalAdvance(formatInteger(m_info.columns)) + 2 * kPad;
    for (const Tick& tick :
         linearTicks({m_view.left(), m_view.right()}, std::max(2, static_cast<int>(rect.width() / widest)), true)) {
        const double x = rect.left() + (tick.value + 0.5 - m_view.left()) / m_view.width() * rect.width();
        if (x > rect.right()) continue;
        painter.setPen(theme.color(Role::Faint));
        painter.drawLine(QPointF(x, rect.bottom() + 1), QPointF(x, rect.bottom() + (tick.major ? 4 : 2)));
        painter.setPen(theme.color(Role::Muted));
        if (tick.major)
            painter.drawText(QRectF(x - 60, rect.bottom() + 4, 120, metrics.height()), Qt::AlignHCenter | Qt::AlignTop,
                             formatInteger(std::llround(tick.value)));
    }
}

void Heatmap::paintRowTicks(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF metrics(Theme::ticks());
    for (const Tick& tick :
         linearTicks({m_view.top(), m_view.bottom()}, std::max(2, static_cast<int>(rect.height() / 40)), true)) {
        const double y = rect.top() + (tick.value + 0.5 - m_view.top()) / m_view.height() * rect.height();
        if (y > rect.bottom()) continue;
        painter.setPen(theme.color(Role::Faint));
        painter.drawLine(QPointF(rect.left() - (tick.major ? 4 : 2), y), QPointF(rect.left() - 1, y));
        painter.setPen(theme.color(Role::Muted));
        if (tick.major)
            painter.drawText(QRectF(0, y - metrics.height() / 2, rect.left() - 6, metrics.height()),
                             Qt::AlignRight | Qt::AlignVCenter, formatInteger(std::llround(tick.value)));
    }
}

// Where rows or columns have names, each cell is a thing of its own: a hair line parts it from the next.

void Heatmap::paintColumnNames(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF metrics(Theme::ticks());
    const bool stand = columnNamesStand(rect.width());
    const double cell = rect.width() / m_view.width();
    const auto step = stand ? static_cast<std::int64_t>(std::ceil(metrics.height() / cell)) : 1;
    const auto first = static_cast<std::int64_t>(std::floor(m_view.left()));
    for (std::int64_t column = first; column < m_info.columns; ++column) {
        const double x = toPixel(0, column).x();
        if (x >= rect.right()) break;
        if (column > first && cell >= 6)
            painter.fillRect(QRectF(rect.left() + firstPixel(x - cell / 2 - rect.left()), rect.top(), 1, rect.height()),
                             theme.color(Role::Surface));
        if (x < rect.left() || column % step != 0) continue;
        const QString name =
            metrics.elidedText(m_info.columnNames[static_cast<std::size_t>(column)], Qt::ElideRight, kLongestName);
        painter.setPen(theme.color(Role::Muted));
        if (!stand) {
            painter.drawText(QRectF(x - 60, rect.bottom() + 4, 120, metrics.height()), Qt::AlignCenter, name);
            continue;
        }
        painter.save();
        painter.translate(x, rect.bottom() + 4);
        painter.rotate(-90);
        painter.drawText(QRectF(-kLongestName - 2, -metrics.height() / 2, kLongestName + 2, metrics.height()),
                         Qt::AlignRight | Qt::AlignVCenter, name);
        painter.restore();
    }
}

void Heatmap::paintRowNames(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF metrics(Theme::ticks());
    const double cell = rect.height() / m_view.height();
    const auto step = static_cast<std::int64_t>(std::ceil(metrics.height() / cell));
    const auto first = static_cast<std::int64_t>(std::floor(m_view.top()));
    for (std::int64_t row = first; row < m_info.rows; ++row) {
        const double y = toPixel(row, 0).y();
        if (y >= rect.bottom()) break;
        if (row > first && cell >= 6)
            painter.fillRect(QRectF(rect.left(), rect.top() + firstPixel(y - cell / 2 - rect.top()), rect.width(), 1),
                             theme.color(Role::Surface));
        if (y < rect.top() || row % step != 0) continue;
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(
            QRectF(0, y - metrics.height() / 2, rect.left() - 6, metrics.height()), Qt::AlignRight | Qt::AlignVCenter,
            metrics.elidedText(m_info.rowNames[static_cast<std::size_t>(row)], Qt::ElideRight, kLongestName));
    }
}

} // namespace qscope
