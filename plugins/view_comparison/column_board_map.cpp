// SPDX-License-Identifier: GPL-3.0-or-later
// The board's maps: errors over a matrix, relative errors by module and layer.
#include "plugins/view_comparison/column_board.h"

#include "plugins/sdk/format.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

/// Place of a value on a logarithmic range, 0 to 1.
double share(const Range& range, double value) {
    if (!(value > 0)) return 0;
    if (range.low == range.high) return 1;
    return std::clamp((std::log(value) - std::log(range.low)) / (std::log(range.high) - std::log(range.low)), 0.0, 1.0);
}

QRgb colorAt(std::span<const QRgb, 256> map, double unit) {
    return map[static_cast<std::size_t>(std::lround(std::clamp(unit, 0.0, 1.0) * 255))];
}

} // namespace

QString ColumnBoard::mapReadout(std::size_t index) const {
    const ColumnData shown = dataOf(m_columns[index]);
    if (!m_hover || m_hover->row != BoardRow::Map || !shown.picture || shown.picture->map.empty()) return {};
    const ColumnPicture& picture = *shown.picture;
    const auto row = std::min(static_cast<std::int64_t>(m_hover->at.y() * static_cast<double>(picture.mapRows)),
                              picture.mapRows - 1);
    const auto column = std::min(static_cast<std::int64_t>(m_hover->at.x() * static_cast<double>(picture.mapColumns)),
                                 picture.mapColumns - 1);
    const auto value = static_cast<double>(picture.map[static_cast<std::size_t>(row * picture.mapColumns + column)]);
    if (shown.isModel)
        return std::isnan(value) ? QString()
                                 : tr("layer %1, %2: %3")
                                       .arg(column)
                                       .arg(picture.mapNames[static_cast<std::size_t>(row)], formatNumber(value, 3));
    return tr("%1, %2: %3")
        .arg(static_cast<qint64>(m_hover->at.y() * static_cast<double>(picture.rows)))
        .arg(static_cast<qint64>(m_hover->at.x() * static_cast<double>(picture.columns)))
        .arg(formatNumber(value, 3));
}

const QImage& ColumnBoard::mapImage(const Held& entry, bool isModel) const {
    const Range range = isModel ? m_modelMapRange.value_or(Range{1, 1}) : Range{-m_mapLimit, m_mapLimit};
    if (!entry.map.isNull() && entry.mapRange == range) return entry.map;
    const ColumnPicture& picture = *entry.picture;
    const auto colors = colorMap(isModel ? QStringLiteral("viridis") : QStringLiteral("diverging"));
    entry.mapRange = range;
    entry.map = QImage(static_cast<int>(picture.mapColumns), static_cast<int>(picture.mapRows), QImage::Format_ARGB32);
    for (int y = 0; y < entry.map.height(); ++y) {
        auto* line = reinterpret_cast<QRgb*>(entry.map.scanLine(y));
        for (int x = 0; x < entry.map.width(); ++x) {
            const auto value = static_cast<double>(picture.map[static_cast<std::size_t>(y * picture.mapColumns + x)]);
            const double unit = isModel ? share(range, value) : 0.5 + 0.5 * value / std::max(m_mapLimit, 1e-300);
            line[x] = std::isnan(value) ? 0U : colorAt(colors, unit);
        }
    }
    return entry.map;
}

void ColumnBoard::paintMap(QPainter& painter, std::size_t index) const {
    const Theme& theme = m_context.theme();
    const QRectF area = chartRect(index, BoardRow::Map);
    const ColumnData shown = dataOf(m_columns[index]);
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    if (!shown.picture || shown.picture->map.empty()) {
        painter.drawText(area.adjusted(8, 0, -8, 0), Qt::AlignCenter | Qt::TextWordWrap,
                         shown.picture ? tr("No tensor lies in a layer") : missingText(m_columns[index]));
        return;
    }
    const ColumnPicture& picture = *shown.picture;
    painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    painter.drawImage(area, mapImage(*held(m_columns[index]), shown.isModel));
    const QString size = shown.isModel ? tr("%1 modules × %2 layers").arg(picture.mapRows).arg(picture.mapColumns)
                                       : tr("%1 × %2").arg(formatInteger(picture.rows), formatInteger(picture.columns));
    painter.drawText(QRectF(area.left(), area.bottom() + 2, area.width(), 16), Qt::AlignLeft, size);
    if (!m_hover || m_hover->row != BoardRow::Map || (m_columns[m_hover->column].tensor < 0) != shown.isModel) return;
    const QPointF cross(area.left() + m_hover->at.x() * area.width(), area.top() + m_hover->at.y() * area.height());
    painter.setPen(QPen(theme.color(Role::Text), 1, Qt::DotLine));
    painter.drawLine(QPointF(cross.x(), area.top()), QPointF(cross.x(), area.bottom()));
    painter.drawLine(QPointF(area.left(), cross.y()), QPointF(area.right(), cross.y()));
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Text));
    const QString text = QFontMetricsF(Theme::ticks()).elidedText(mapReadout(index), Qt::ElideLeft, area.width() - 60);
    painter.drawText(QRectF(area.left(), area.bottom() + 2, area.width(), 16), Qt::AlignRight, text);
}

void ColumnBoard::paintMapScales(QPainter& painter, QPointF at) const {
    const QFontMetricsF metrics(Theme::ticks());
    painter.setFont(Theme::ticks());
    painter.setPen(m_context.theme().color(Role::Muted));
    const auto scale = [&](const char* map, double low, double high) {
        const auto colors = colorMap(QLatin1String(map));
        const auto write = [&](double value) {
            const QString text = formatNumber(value, 3);
            painter.drawText(QPointF(at.x(), at.y() + metrics.ascent()), text);
            at.rx() += metrics.horizontalAdvance(text) + 6;
        };
        write(low);
        for (int i = 0; i < 80; ++i)
            painter.fillRect(QRectF(at.x() + i, at.y() + 3, 1, 9), QColor(colorAt(colors, i / 79.0)));
        at.rx() += 86;
        write(high);
        at.rx() += 16;
    };
    if (m_mapLimit > 0) scale("diverging", -m_mapLimit, m_mapLimit);
    if (m_modelMapRange) scale("viridis", m_modelMapRange->low, m_modelMapRange->high);
}

} // namespace qscope
