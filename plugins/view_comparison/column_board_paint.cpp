// SPDX-License-Identifier: GPL-3.0-or-later
// How the board looks: what is on screen, and nothing else, is painted.
#include "plugins/view_comparison/column_board.h"

#include "plugins/sdk/format.h"

#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

/// "mlp.up_proj" of "model.layers.3.mlp.up_proj.weight", with its layer in front.
QString shortName(const QString& tensor) {
    QString name = tensor;
    if (name.endsWith(QLatin1String(".weight"))) name.chop(7);
    const auto parts = name.split(QLatin1Char('.'));
    for (qsizetype i = 0; i + 1 < parts.size(); ++i) {
        bool isNumber = false;
        const int layer = parts[i].toInt(&isNumber);
        if (isNumber) return ColumnBoard::tr("layer %1, %2").arg(layer).arg(parts.mid(i + 1).join(QLatin1Char('.')));
    }
    return name;
}

} // namespace

void ColumnBoard::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    const Theme& theme = m_context.theme();
    painter.fillRect(viewport()->rect(), theme.color(Role::Surface));
    const auto [first, last] = visibleColumns();
    painter.save();
    painter.setClipRect(QRectF(kGutter, kHead, viewport()->width() - kGutter, viewport()->height() - kHead));
    if (m_selected >= static_cast<int>(first) && m_selected < static_cast<int>(last)) {
        QRectF strip = headRect(static_cast<std::size_t>(m_selected));
        strip.setBottom(viewport()->height());
        painter.fillRect(strip, theme.color(Role::Raised));
    }
    for (std::size_t i = first; i < last; ++i)
        for (const BoardRow row : shownRows())
            row == BoardRow::Map ? paintMap(painter, i) : paintChart(painter, i, row);
    painter.restore();
    painter.save();
    painter.setClipRect(QRectF(0, kHead, viewport()->width(), viewport()->height() - kHead));
    for (const BoardRow row : shownRows()) paintRowFrame(painter, row);
    painter.restore();
    painter.save();
    painter.setClipRect(QRectF(kGutter, 0, viewport()->width() - kGutter, kHead));
    painter.fillRect(QRectF(0, 0, viewport()->width(), kHead), theme.color(Role::Surface));
    for (std::size_t i = first; i < last; ++i) paintHead(painter, i);
    m_columnsPainted += static_cast<std::int64_t>(last - first);
    painter.restore();
    if (m_dragTo && !m_columns.empty()) {
        const double x = kGutter + *m_dragTo * columnWidth() - horizontalScrollBar()->value();
        painter.fillRect(QRectF(x - 1.5, 0, 3, viewport()->height()), theme.color(Role::Accent));
    }
}

void ColumnBoard::paintHead(QPainter& painter, std::size_t index) const {
    const Theme& theme = m_context.theme();
    const BoardColumn& column = m_columns[index];
    const QRectF head = headRect(index).adjusted(4, 0, -4, 0);
    const bool isSelected = static_cast<int>(index) == m_selected;
    if (isSelected) {
        painter.fillRect(head.adjusted(-4, 0, 4, 0), theme.color(Role::Raised));
        painter.fillRect(QRectF(head.left() - 4, 0, head.width() + 8, 3), theme.color(Role::Accent));
    }
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(theme.category(std::max(0, column.method)));
    if (column.method >= 0) painter.drawRoundedRect(QRectF(head.left(), 11, 10, 10), 2, 2);
    QFont name = Theme::caption();
    name.setWeight(QFont::DemiBold);
    painter.setFont(name);
    painter.setPen(theme.color(Role::Text));
    const QRectF line(head.left() + 15, 5, head.width() - 15 - 26, 22);
    painter.drawText(line, Qt::AlignVCenter,
                     QFontMetricsF(name).elidedText(column.label, Qt::ElideMiddle, line.width()));
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    const QFontMetricsF caption(Theme::caption());
    const QString scope = column.tensorName.isEmpty() ? tr("the whole model") : shortName(column.tensorName);
    painter.drawText(QRectF(head.left(), 25, head.width(), 16), Qt::AlignVCenter,
                     caption.elidedText(scope, Qt::ElideLeft, head.width()));
    if (m_report && column.method >= 0) {
        const auto& method = m_report->methods[static_cast<std::size_t>(column.method)];
        const auto baseline =
            std::ranges::find(m_report->methods, m_baseline.toStdString(), &engine::MethodResult::label);
        const bool differs = !m_baseline.isEmpty() && baseline != m_report->methods.end() && column.label != m_baseline;
        const auto tell = [&](std::string_view key) {
            const Figure& one = figure(key);
            const double value = valueOf(one, method, column.scope());
            return differs ? differenceText(one, value, valueOf(one, *baseline, column.scope())) : textOf(one, value);
        };
        painter.setFont(Theme::ticks());
        painter.setPen(theme.color(Role::Text));
        const QString numbers =
            tr("%1%2 bits   %3")
                .arg(differs ? QStringLiteral("Δ ") : QString(), tell("bits_per_weight"), tell("sqnr_db"));
        painter.drawText(QRectF(head.left(), 41, head.width(), 16), Qt::AlignVCenter,
                         QFontMetricsF(Theme::ticks()).elidedText(numbers, Qt::ElideRight, head.width()));
    }
    // A pin: filled when it holds, an outline where one could be.
    const QRectF pin = pinRect(index);
    const QPointF middle = pin.center();
    const QColor ink = theme.color(column.pin >= 0 ? Role::Text : Role::Faint);
    painter.setPen(QPen(ink, 1.5));
    painter.drawLine(middle + QPointF(0, 2), middle + QPointF(0, 8));
    painter.setBrush(column.pin >= 0 ? QBrush(ink) : Qt::NoBrush);
    painter.drawEllipse(middle + QPointF(0, -2), 4, 4);
}

QString ColumnBoard::missingText(const BoardColumn& column) const {
    if (column.method < 0) return tr("Not run since the session was opened");
    if (const Held* known = held(column); known && !known->picture) return known->problem;
    const auto& method = m_report->methods[static_cast<std::size_t>(column.method)];
    if (hasCodes(method, column.tensor)) return tr("Counting…");
    return column.tensor >= 0 && !keyOf(column).first &&
                   std::ranges::none_of(
                       method.tensors,
                       [&](const auto& t) { return static_cast<std::int64_t>(t.tensor) == column.tensor; })
               ? tr("The method left this tensor out")
               : tr("Its codes were not kept: select it to make them again");
}

void ColumnBoard::paintChart(QPainter& painter, std::size_t index, BoardRow row) const {
    const Theme& theme = m_context.theme();
    const BoardColumn& column = m_columns[index];
    const PlotFrame frame = frameOf(index, row);
    const QFontMetricsF metrics(Theme::ticks());
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setFont(Theme::ticks());
    QColor grid = theme.color(Role::Faint);
    grid.setAlphaF(0.28F);
    for (const Tick& tick : ticksOf(frame.yAxis, frame.y, std::max(2, static_cast<int>(frame.area.height() / 24)))) {
        if (!tick.major) continue;
        const double y = std::round(frame.toPixel(frame.x.low, tick.value).y());
        painter.setPen(QPen(grid, 1));
        painter.drawLine(QPointF(frame.area.left(), y), QPointF(frame.area.right(), y));
    }
    double end = -1e9;
    for (const Tick& tick : ticksOf(frame.xAxis, frame.x, std::max(3, static_cast<int>(frame.area.width() / 40)))) {
        const double x = std::round(frame.toPixel(tick.value, frame.y.low).x());
        painter.setPen(QPen(theme.color(Role::Faint), 1));
        if (x >= frame.area.left() && x <= frame.area.right())
            painter.drawLine(QPointF(x, frame.area.bottom()), QPointF(x, frame.area.bottom() + (tick.major ? 4 : 2)));
        const double half = metrics.horizontalAdvance(tick.label) / 2;
        if (tick.label.isEmpty() || x - half < end || x - half < frame.area.left() - 4 ||
            x + half > frame.area.right() + 8)
            continue;
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QPointF(x - half, frame.area.bottom() + 4 + metrics.ascent()), tick.label);
        end = x + half + 6;
    }
    painter.setPen(QPen(theme.color(Role::Faint), 1));
    painter.drawLine(frame.area.bottomLeft(), frame.area.bottomRight());
    if (frame.xAxis.markZero && frame.x.low < 0 && frame.x.high > 0) {
        const double x = std::round(frame.toPixel(0, frame.y.low).x());
        painter.drawLine(QPointF(x, frame.area.top()), QPointF(x, frame.area.bottom()));
    }
    const ColumnData shown = dataOf(column);
    const auto layers = rowLayers(row, shown);
    if (layers.empty()) {
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        const QString why = row == BoardRow::Propagation ? tr("Not followed") : missingText(column);
        painter.drawText(frame.area.adjusted(8, 0, -8, 0), Qt::AlignCenter | Qt::TextWordWrap, why);
        return;
    }
    painter.save();
    painter.setClipRect(frame.area.adjusted(0, -1, 1, 1), Qt::IntersectClip);
    for (const PlotLayer& layer : layers) paintLayer(painter, layer, frame, theme);
    painter.restore();
    if (m_rubberX && m_pressed && m_hover && m_hover->row == row) {
        QColor band = theme.color(Role::Accent);
        band.setAlphaF(0.18F);
        const double offset = frame.area.left() - chartRect(m_hover->column, row).left();
        const double a = m_pressed->x() + offset, b = *m_rubberX + offset;
        painter.fillRect(QRectF(std::min(a, b), frame.area.top(), std::abs(a - b), frame.area.height()), band);
    } else if (m_hover && m_hover->row == row && (m_columns[m_hover->column].tensor < 0) == shown.isModel) {
        const double x = std::round(frame.toPixel(m_hover->at.x(), frame.y.low).x());
        painter.setPen(QPen(theme.color(Role::Muted), 1));
        painter.drawLine(QPointF(x, frame.area.top()), QPointF(x, frame.area.bottom()));
        const QString text = rowReadout(row, layers, m_hover->at.x());
        const QRectF box(frame.area.right() - metrics.horizontalAdvance(text) - 6, frame.area.top(),
                         metrics.horizontalAdvance(text) + 6, metrics.height() + 2);
        painter.fillRect(box, theme.color(Role::Sunken));
        painter.setFont(Theme::ticks());
        painter.setPen(theme.color(Role::Text));
        painter.drawText(box, Qt::AlignCenter, text);
    }
}

void ColumnBoard::paintRowFrame(QPainter& painter, BoardRow row) const {
    if (m_columns.empty()) return;
    const Theme& theme = m_context.theme();
    const QRectF chart = chartRect(0, row);
    const QFontMetricsF ticks(Theme::ticks()), caption(Theme::caption());
    painter.fillRect(QRectF(0, chart.top() - kTitle, kGutter, rowHeight()), theme.color(Role::Surface));
    const auto isModel = [](const BoardColumn& column) { return column.tensor < 0; };
    QStringList titles;
    if (!std::ranges::all_of(m_columns, isModel)) titles << rowTitle(row, false);
    if (std::ranges::any_of(m_columns, isModel)) titles << rowTitle(row, true);
    titles.removeDuplicates();
    QString title = titles.join(tr("; of the model: "));
    title[0] = title[0].toUpper();
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    painter.drawText(QRectF(8, chart.top() - kTitle + 2, viewport()->width(), kTitle - 2),
                     Qt::AlignLeft | Qt::AlignVCenter, title);
    if (row == BoardRow::Map)
        return paintMapScales(painter, {8 + caption.horizontalAdvance(title) + 16, chart.top() - kTitle + 3});
    const auto& y = m_fullY[static_cast<std::size_t>(row)];
    if (!y) return;
    const PlotFrame frame{{kGutter, chart.top(), 10, chart.height()}, {}, rowAxisY(row), {0, 1}, *y};
    painter.setFont(Theme::ticks());
    for (const Tick& tick : ticksOf(frame.yAxis, frame.y, std::max(2, static_cast<int>(chart.height() / 24)))) {
        if (tick.label.isEmpty()) continue;
        const double at = frame.toPixel(0, tick.value).y();
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(0, at - ticks.height() / 2, kGutter - 4, ticks.height()),
                         Qt::AlignRight | Qt::AlignVCenter, tick.label);
    }
}

} // namespace qscope
