// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/city_plot.h"

#include "plugins/sdk/format.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope {

namespace {

constexpr double kInset = 0.14;  ///< of a cell, left free on each side of a bar
constexpr double kSideRoom = 56; ///< for the scale on the left and the labels on both sides
constexpr double kLowerRoom = 28;
constexpr double kUpperRoom = 10;

std::size_t indexOf(const CityPlot& plot, int row, int column) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(plot.size) + static_cast<std::size_t>(column);
}

/// Bars from back to front; those below the floor come first, as the floor lies over them.
template<class Visit>
void backToFront(const CityPlot& plot, bool belowFloor, Visit visit) {
    for (int diagonal = 0; diagonal <= 2 * (plot.size - 1); ++diagonal)
        for (int row = std::max(0, diagonal - plot.size + 1); row <= std::min(diagonal, plot.size - 1); ++row) {
            const int column = diagonal - row;
            const double height = plot.heights[indexOf(plot, row, column)];
            if (std::abs(height) > 1e-6 * plot.top && (height < 0) == belowFloor) visit(row, column);
        }
}

void paintBar(QPainter& painter, const CityPlot& plot, const CityGeometry& geometry, int row, int column,
              bool highlighted, const Theme& theme) {
    const auto index = indexOf(plot, row, column);
    const auto faces = geometry.faces(row, column);
    const QColor color = plot.colors[index];
    const std::array shades{color.darker(115), color.darker(145), color};
    painter.setPen(highlighted ? QPen(theme.color(Role::Text), 2) : QPen(color.darker(180), 0.75));
    for (std::size_t face = 0; face < faces.size(); ++face) {
        painter.setBrush(shades[face]);
        painter.drawPolygon(faces[face]);
    }
    // A hand on the roof, 0 to the right as on the wheel; on small roofs it would be dust.
    const double roof = geometry.place(row, column + 1, 0).x() - geometry.place(row + 1, column, 0).x();
    if (plot.phases.empty() || roof < 32) return;
    const double height = plot.heights[index], reach = (0.5 - kInset) * std::numbers::sqrt2 / 2;
    const double right = std::cos(plot.phases[index]) * reach, up = std::sin(plot.phases[index]) * reach;
    painter.setPen(QPen(color.darker(300), 1.5, Qt::SolidLine, Qt::RoundCap));
    painter.drawLine(geometry.place(row + 0.5, column + 0.5, height),
                     geometry.place(row + 0.5 - right - up, column + 0.5 + right - up, height));
}

void paintFloor(QPainter& painter, const CityPlot& plot, const CityGeometry& geometry, const Theme& theme) {
    const int n = plot.size;
    QColor floor = theme.color(Role::Raised);
    floor.setAlpha(150); // bars that hang below the floor shine through
    painter.setPen(Qt::NoPen);
    painter.setBrush(floor);
    painter.drawPolygon(QPolygonF(
        {geometry.place(0, 0, 0), geometry.place(0, n, 0), geometry.place(n, n, 0), geometry.place(n, 0, 0)}));
    painter.setPen(QPen(theme.color(Role::Faint), 0.5));
    for (int line = 0; line <= n; ++line) {
        painter.drawLine(geometry.place(line, 0, 0), geometry.place(line, n, 0));
        painter.drawLine(geometry.place(0, line, 0), geometry.place(n, line, 0));
    }
}

void paintLabels(QPainter& painter, const CityPlot& plot, const CityGeometry& geometry, const Theme& theme) {
    const int n = plot.size;
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    const double step = geometry.place(0, 1, 0).y() - geometry.place(0, 0, 0).y();
    const int every = std::max(1, static_cast<int>(std::ceil(QFontMetricsF(Theme::caption()).height() * 0.8 / step)));
    for (int i = 0; i < n; i += every) {
        const QString ket = QStringLiteral("|%1⟩").arg(plot.labels[i]),
                      bra = QStringLiteral("⟨%1|").arg(plot.labels[i]);
        const QPointF row = geometry.place(i + 0.5, n, 0) + QPointF(5, 8);
        const QPointF column = geometry.place(n, i + 0.5, 0) + QPointF(-5, 8);
        painter.drawText(QRectF(row.x(), row.y() - 9, 100, 18), Qt::AlignLeft | Qt::AlignVCenter, ket);
        painter.drawText(QRectF(column.x() - 100, column.y() - 9, 100, 18), Qt::AlignRight | Qt::AlignVCenter, bra);
    }
}

void paintScale(QPainter& painter, const CityPlot& plot, const CityGeometry& geometry, const Theme& theme) {
    const bool below =
        std::any_of(plot.heights.begin(), plot.heights.end(), [&](double height) { return height < -1e-6 * plot.top; });
    painter.setPen(QPen(theme.color(Role::Muted), 1));
    const QPointF aside(-8, 0);
    painter.drawLine(geometry.place(plot.size, 0, below ? -plot.top : 0) + aside,
                     geometry.place(plot.size, 0, plot.top) + aside);
    for (const double share : {-1.0, -0.5, 0.0, 0.5, 1.0}) {
        if (share < 0 && !below) continue;
        const QPointF tick = geometry.place(plot.size, 0, share * plot.top) + aside;
        painter.drawLine(tick, tick - QPointF(4, 0));
        painter.drawText(QRectF(tick.x() - 66, tick.y() - 9, 58, 18), Qt::AlignRight | Qt::AlignVCenter,
                         formatNumber(share * plot.top, 3));
    }
}

} // namespace

CityGeometry::CityGeometry(const CityPlot& plot, const QRectF& area)
    : m_plot(plot) {
    const double height = area.height() - kLowerRoom - kUpperRoom;
    const double levels =
        std::any_of(plot.heights.begin(), plot.heights.end(), [&](double bar) { return bar < -1e-6 * plot.top; }) ? 2
                                                                                                                  : 1;
    const double width = std::max(1.0, std::min(area.width() - 2 * kSideRoom, height * 1.3));
    m_half = width / (2 * plot.size);
    const double floor = width / 2;
    const double rise = std::max(1.0, std::min(height - floor, width * 0.5 * levels));
    m_rise = rise / (levels * plot.top);
    const double slack = (height - floor - rise) / 2;
    m_back = QPointF(area.center().x() + 8, area.top() + kUpperRoom + slack + rise / levels);
}

QPointF CityGeometry::place(double row, double column, double height) const {
    return m_back + QPointF((column - row) * m_half, (column + row) * m_half / 2 - height * m_rise);
}

std::array<QPolygonF, 3> CityGeometry::faces(int row, int column) const {
    const double height = m_plot.heights[indexOf(m_plot, row, column)];
    const double low = std::min(0.0, height), high = std::max(0.0, height);
    const double r0 = row + kInset, r1 = row + 1 - kInset, c0 = column + kInset, c1 = column + 1 - kInset;
    return {QPolygonF({place(r1, c0, low), place(r1, c1, low), place(r1, c1, high), place(r1, c0, high)}),
            QPolygonF({place(r0, c1, low), place(r1, c1, low), place(r1, c1, high), place(r0, c1, high)}),
            QPolygonF({place(r0, c0, high), place(r0, c1, high), place(r1, c1, high), place(r1, c0, high)})};
}

int CityGeometry::barAt(QPointF point) const {
    int found = -1;
    const auto visit = [&](int row, int column) {
        for (const auto& face : faces(row, column))
            if (face.containsPoint(point, Qt::OddEvenFill)) found = row * m_plot.size + column;
    };
    backToFront(m_plot, true, visit);
    backToFront(m_plot, false, visit);
    if (found >= 0) return found;
    const QPointF offset = point - m_back; // on the bare floor: undo `place` at height 0
    const double sum = offset.y() * 2 / m_half, difference = offset.x() / m_half;
    const auto row = static_cast<int>(std::floor((sum - difference) / 2));
    const auto column = static_cast<int>(std::floor((sum + difference) / 2));
    const bool inside = row >= 0 && column >= 0 && row < m_plot.size && column < m_plot.size;
    return inside ? row * m_plot.size + column : -1;
}

void paintCity(QPainter& painter, const QRectF& area, const CityPlot& plot, int highlighted, const Theme& theme) {
    const CityGeometry geometry(plot, area);
    const auto bar = [&](int row, int column) {
        paintBar(painter, plot, geometry, row, column, row * plot.size + column == highlighted, theme);
    };
    backToFront(plot, true, bar);
    paintFloor(painter, plot, geometry, theme);
    backToFront(plot, false, bar);
    paintLabels(painter, plot, geometry, theme);
    paintScale(painter, plot, geometry, theme);
}

} // namespace qscope
