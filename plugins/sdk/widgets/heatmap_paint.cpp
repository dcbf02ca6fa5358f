// SPDX-License-Identifier: GPL-3.0-or-later
// How a Heatmap is painted: cells to pixels, marginals, colour bar.
#include "plugins/sdk/widgets/heatmap.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/axis.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QPolygonF>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

/// First and one-past-last cell under each pixel of an axis; at least one. Pixels outside the tile have none.
struct Cells {
    std::int64_t first = 0;
    std::int64_t end = 0;
};
std::vector<Cells> cellsPerPixel(int pixels, double viewStart, double viewLength, std::int64_t start,
                                 std::int64_t length, std::int64_t factor) {
    std::vector<Cells> result(static_cast<std::size_t>(pixels));
    const std::int64_t count = (length + factor - 1) / factor;
    for (int pixel = 0; pixel < pixels; ++pixel) {
        const double from = viewStart + viewLength * pixel / pixels, to = viewStart + viewLength * (pixel + 1) / pixels;
        const double middle = (from + to) / 2;
        if (middle < static_cast<double>(start) || middle >= static_cast<double>(start + length)) continue;
        const auto cell = [&](double value) {
            return static_cast<std::int64_t>(
                std::floor((value - static_cast<double>(start)) / static_cast<double>(factor)));
        };
        Cells& cells = result[static_cast<std::size_t>(pixel)];
        if (to - from < static_cast<double>(factor)) { // zoomed in: nearest neighbour
            cells.first = std::clamp<std::int64_t>(cell(middle), 0, count - 1);
            cells.end = cells.first + 1;
        } else {
            cells.first = std::clamp<std::int64_t>(cell(from), 0, count - 1);
            cells.end = std::clamp<std::int64_t>(
                static_cast<std::int64_t>(std::ceil((to - static_cast<double>(start)) / static_cast<double>(factor))),
                cells.first + 1, count);
        }
    }
    return result;
}

} // namespace

Range Heatmap::colorRange() const {
    return m_info.range.value_or(Range{m_info.isSigned ? -m_info.limit : 0, m_info.limit});
}

QRgb Heatmap::colorOf(float value) const {
    static const auto diverging = colorMap(QStringLiteral("diverging"));
    static const auto sequential = colorMap(QStringLiteral("viridis"));
    const Theme& theme = m_context.theme();
    if (m_info.range && std::isnan(value)) return theme.color(Role::Sunken).rgb();
    if (m_info.range && std::isinf(value) && value < 0) return theme.color(Role::Surface).rgb();
    if (std::isnan(value)) return theme.color(Role::Warn).rgb();
    if (!m_info.range && !m_info.isSigned && value < 0) return theme.color(Role::Sunken).rgb();
    const Range range = colorRange();
    const double unit = range.length() > 0 ? toUnit(m_info.scale, range, static_cast<double>(value)) : 0;
    return (m_info.isSigned ? diverging
                            : sequential)[static_cast<std::size_t>(std::lround(std::clamp(unit, 0.0, 1.0) * 255))];
}

void Heatmap::composeTile(const MatrixTile& tile) {
    const TileRequest& area = tile.area;
    const auto columns =
        cellsPerPixel(m_image.width(), m_view.left(), m_view.width(), area.column, area.columns, area.columnFactor);
    const auto rows =
        cellsPerPixel(m_image.height(), m_view.top(), m_view.height(), area.row, area.rows, area.rowFactor);
    const std::int64_t stride = area.cellColumns();
    for (int y = 0; y < m_image.height(); ++y) {
        const Cells& down = rows[static_cast<std::size_t>(y)];
        if (down.first == down.end) continue;
        auto* line = reinterpret_cast<QRgb*>(m_image.scanLine(y));
        if (y > 0 && down.end - down.first == 1 && rows[static_cast<std::size_t>(y - 1)].first == down.first &&
            rows[static_cast<std::size_t>(y - 1)].end == down.end) {
            const auto* above = reinterpret_cast<const QRgb*>(m_image.constScanLine(y - 1));
            for (int x = 0; x < m_image.width(); ++x)
                if (columns[static_cast<std::size_t>(x)].end > columns[static_cast<std::size_t>(x)].first)
                    line[x] = above[x];
            continue;
        }
        for (int x = 0; x < m_image.width(); ++x) {
            const Cells& across = columns[static_cast<std::size_t>(x)];
            if (across.first == across.end) continue;
            float strongest = 0;
            for (std::int64_t i = down.first; i < down.end; ++i)
                for (std::int64_t j = across.first; j < across.end; ++j) {
                    const float value = tile.cells[static_cast<std::size_t>(i * stride + j)];
                    if (!std::isnan(strongest) && !(std::abs(value) <= std::abs(strongest)))
                        strongest = value; // NaN wins
                }
            line[x] = colorOf(strongest);
        }
    }
}

void Heatmap::compose() {
    const double scale = devicePixelRatioF();
    const QSize size = (matrixRect().size() * scale).toSize().expandedTo(QSize(1, 1));
    m_image = QImage(size, QImage::Format_RGB32);
    m_image.fill(m_context.theme().color(Role::Sunken));
    if (m_overview) composeTile(*m_overview);
    if (m_detail) composeTile(*m_detail);
    update();
}

void Heatmap::paintMarginals(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const auto bars = [&](const std::vector<float>& values, double start, double length, int pixels, const auto& draw) {
        const float largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
        if (!(largest > 0)) return;
        for (int pixel = 0; pixel < pixels; ++pixel) {
            const auto from = static_cast<std::int64_t>(start + length * pixel / pixels);
            const auto to = std::max(from + 1, static_cast<std::int64_t>(start + length * (pixel + 1) / pixels));
            float highest = 0;
            for (auto i = from; i < std::min(to, static_cast<std::int64_t>(values.size())); ++i)
                highest = std::max(highest, values[static_cast<std::size_t>(i)]);
            draw(pixel, static_cast<double>(highest / largest) * kMarginal);
        }
    };
    const QColor color = theme.color(Role::Faint);
    bars(m_info.columnMarginal, m_view.left(), m_view.width(), static_cast<int>(rect.width()),
         [&](int pixel, double length) {
             painter.fillRect(QRectF(rect.left() + pixel, rect.top() - 4 - length, 1, length), color);
         });
    bars(m_info.rowMarginal, m_view.top(), m_view.height(), static_cast<int>(rect.height()),
         [&](int pixel, double length) {
             painter.fillRect(QRectF(rect.right() + 4, rect.top() + pixel, length, 1), color);
         });
    if (!m_info.rowMarginal.empty()) {
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        const QFontMetricsF caption(Theme::caption());
        painter.drawText(QPointF(rect.right() + 4, rect.top() - 6),
                         caption.elidedText(m_info.marginalTitle, Qt::ElideRight, kMarginal + 24));
    }
}

void Heatmap::paintColorBar(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF rect = matrixRect();
    const QFontMetricsF metrics(Theme::ticks()), caption(Theme::caption());
    const QRectF bar(rect.right() + kPad * 2 + (m_info.rowMarginal.empty() ? 0 : kMarginal + 4), rect.top(), kBarWidth,
                     rect.height());
    const Range range = colorRange();
    for (int y = 0; y < static_cast<int>(bar.height()); ++y) {
        const double unit = 1 - (y + 0.5) / bar.height();
        painter.fillRect(QRectF(bar.left(), bar.top() + y, bar.width(), 1),
                         QColor(colorOf(static_cast<float>(fromUnit(m_info.scale, range, unit)))));
    }
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Muted));
    const auto yOf = [&](double value) {
        return bar.bottom() - std::clamp(toUnit(m_info.scale, range, value), 0.0, 1.0) * bar.height();
    };
    const auto label = [&](double value) {
        painter.drawText(QRectF(bar.right() + 4, yOf(value) - metrics.height() / 2, 90, metrics.height()),
                         Qt::AlignLeft | Qt::AlignVCenter, formatNumber(value, 3));
    };
    for (const double unit : {0.0, 0.25, 0.5, 0.75, 1.0}) label(fromUnit(m_info.scale, range, unit));
    painter.setFont(Theme::caption());
    const double titleWidth = std::min(caption.horizontalAdvance(m_info.valueTitle), 140.0);
    painter.drawText(QRectF(width() - titleWidth - kPad / 2, kPad / 2, titleWidth, caption.height()),
                     Qt::AlignRight | Qt::AlignVCenter, m_info.valueTitle);
    const auto mark = [&](double value, const QColor& color) {
        const double y = yOf(value);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(color);
        painter.drawPolygon(QPolygonF{{bar.left() - 1, y}, {bar.left() - 7, y - 4}, {bar.left() - 7, y + 4}});
        painter.setRenderHint(QPainter::Antialiasing, false);
        painter.fillRect(QRectF(bar.left(), y - 0.5, bar.width(), 1), color);
    };
    if (m_hover) {
        const QPointF at = toMatrix(*m_hover);
        if (const auto value =
                valueAt(static_cast<std::int64_t>(std::floor(at.y())), static_cast<std::int64_t>(std::floor(at.x())));
            value && std::isfinite(*value))
            mark(static_cast<double>(*value), theme.color(Role::Text));
    }
    if (m_selectedRow >= 0 && m_selectedColumn >= 0)
        if (const auto value = valueAt(m_selectedRow, m_selectedColumn); value && std::isfinite(*value))
            mark(static_cast<double>(*value), theme.color(Role::Accent));
}

void Heatmap::paintSelection(QPainter& painter) const {
    if (m_info.rows <= 0 || m_info.columns <= 0) return;
    const QRectF rect = matrixRect();
    const QColor accent = m_context.theme().color(Role::Accent);
    const double cellHeight = rect.height() / m_view.height(), cellWidth = rect.width() / m_view.width();
    const QPointF middle =
        toPixel(std::max<std::int64_t>(m_selectedRow, 0), std::max<std::int64_t>(m_selectedColumn, 0));
    painter.save();
    painter.setClipRect(rect.adjusted(-6, -6, 6, 6));
    painter.setPen(QPen(accent, 1));
    painter.setBrush(Qt::NoBrush);
    // The line keeps clear of the cells it points at: two thin edges when they have room, else one line.
    if (m_selectedRow >= 0 && middle.y() >= rect.top() && middle.y() <= rect.bottom()) {
        const double half = cellHeight >= 4 ? cellHeight / 2 : 0;
        painter.drawLine(QPointF(rect.left() - 6, middle.y() - half), QPointF(rect.right() + 6, middle.y() - half));
        if (half > 0)
            painter.drawLine(QPointF(rect.left() - 6, middle.y() + half), QPointF(rect.right() + 6, middle.y() + half));
    }
    if (m_selectedColumn >= 0 && middle.x() >= rect.left() && middle.x() <= rect.right()) {
        const double half = cellWidth >= 4 ? cellWidth / 2 : 0;
        painter.drawLine(QPointF(middle.x() - half, rect.top() - 6), QPointF(middle.x() - half, rect.bottom() + 6));
        if (half > 0)
            painter.drawLine(QPointF(middle.x() + half, rect.top() - 6), QPointF(middle.x() + half, rect.bottom() + 6));
    }
    painter.restore();
}

void Heatmap::paintHover(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    if (!m_rubber.isNull()) {
        painter.setPen(QPen(theme.color(Role::Accent), 1));
        QColor veil = theme.color(Role::Accent);
        veil.setAlphaF(0.15F);
        painter.setBrush(veil);
        painter.drawRect(m_rubber);
    } else if (m_hover && m_info.rows > 0) {
        paintReadoutBox(painter, QRectF(rect()), *m_hover, readoutAt(*m_hover), theme);
    }
}

void Heatmap::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_context.theme().color(Role::Surface));
    painter.drawImage(matrixRect(), m_image);
    paintAxes(painter);
    paintMarginals(painter);
    paintColorBar(painter);
    paintSelection(painter);
    paintHover(painter);
    paintKeyboardFocus(painter, *this, m_context.theme());
}

} // namespace qscope
