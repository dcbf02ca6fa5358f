// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/bar_list.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/axis.h"
#include "plugins/view_state/phase_mark.h"

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {
constexpr double kRow = 24;
constexpr double kAxis = 40; ///< room for the axis above the rows
constexpr double kEdge = 8;

/// Pads with spaces as wide as a figure, so that right-aligned numbers stand point under point.
void alignOnPoint(std::vector<BarRow>& rows) {
    const auto decimals = [](const QString& text) {
        const auto point = text.indexOf(QLatin1Char('.'));
        return point < 0 ? qsizetype{0} : text.size() - point;
    };
    qsizetype most = 0;
    for (const auto& row : rows) most = std::max(most, decimals(row.text));
    for (auto& row : rows) row.text += QString(most - decimals(row.text), QChar(0x2007));
}
} // namespace

BarList::BarList(ViewContext& context, const QString& accessibleName, const QString& axisTitle, QWidget* parent)
    : StateCanvas(context, accessibleName, parent)
    , m_axisTitle(axisTitle) {}

void BarList::setRows(std::vector<BarRow> rows, const QString& note) {
    m_rows = std::move(rows);
    alignOnPoint(m_rows);
    m_note = note;
    m_top = 0;
    m_labelWidth = m_textWidth = 0;
    const QFontMetricsF metrics(Theme::figures());
    for (const auto& row : m_rows) {
        m_top = std::max({m_top, row.value, row.other.value_or(0), row.interval ? row.interval->second : 0});
        m_labelWidth = std::max(m_labelWidth, metrics.horizontalAdvance(row.label));
        m_textWidth = std::max(m_textWidth, metrics.horizontalAdvance(row.text));
    }
    if (m_top <= 0) m_top = 1;
    contentChanged();
}

void BarList::setNames(const QString& first, const QString& second) {
    m_first = first;
    m_second = second;
    viewport()->update();
}

QString BarList::csv() const {
    QString text = QStringLiteral("label,value");
    if (hasPhases()) text += QStringLiteral(",phase");
    if (!m_rows.empty() && m_rows.front().interval) text += QStringLiteral(",low,high");
    if (!m_rows.empty() && m_rows.front().other) text += QStringLiteral(",other");
    text += QLatin1Char('\n');
    for (const auto& row : m_rows) {
        text += row.label + QLatin1Char(',') + QString::number(row.value, 'g', 17);
        if (row.phase) text += QLatin1Char(',') + QString::number(*row.phase, 'g', 17);
        if (row.interval)
            text += QStringLiteral(",%1,%2").arg(row.interval->first, 0, 'g', 17).arg(row.interval->second, 0, 'g', 17);
        if (row.other) text += QLatin1Char(',') + QString::number(*row.other, 'g', 17);
        text += QLatin1Char('\n');
    }
    return text;
}

int BarList::rowAt(QPointF point) const {
    const auto row = static_cast<int>(std::floor((point.y() - kAxis) / kRow));
    return row >= 0 && row < static_cast<int>(m_rows.size()) ? row : -1;
}

QString BarList::itemText(QPointF point) const {
    const int at = rowAt(point);
    if (at < 0) return {};
    const auto& row = m_rows[static_cast<std::size_t>(at)];
    QString text =
        row.label + QStringLiteral("  ") + m_axisTitle.toLower() + QStringLiteral(" ") + formatNumber(row.value, 10);
    if (row.phase) text += QStringLiteral("\n") + tr("phase %1").arg(formatAngle(*row.phase));
    if (row.interval)
        text += QStringLiteral("\n") +
                tr("95 % interval %1 to %2")
                    .arg(formatNumber(row.interval->first, 6), formatNumber(row.interval->second, 6));
    if (row.other)
        text += QStringLiteral("\n%1 %2\n%3 %4")
                    .arg(m_first, formatNumber(row.value, 10), m_second, formatNumber(*row.other, 10));
    return text;
}

double BarList::contentHeight(double) const {
    return kAxis + kRow * static_cast<double>(m_rows.size()) + (m_note.isEmpty() ? 0 : kRow) + kEdge;
}

BarList::Columns BarList::columns(double width) const {
    Columns at{};
    at.labelEnd = kEdge + std::min(m_labelWidth + 2, width * 0.45);
    at.ring = at.labelEnd + 16;
    at.barBegin = at.labelEnd + (hasPhases() ? 34 : 12);
    at.end = width - kEdge;
    at.barEnd = std::max(at.barBegin + 8, at.end - m_textWidth - 12);
    return at;
}

void BarList::paint(QPainter& painter, const QSizeF& size, const QRectF& sight) {
    if (m_rows.empty()) return;
    const Theme& theme = context().theme();
    const Columns at = columns(size.width());
    const double rowsEnd = kAxis + kRow * static_cast<double>(m_rows.size());
    paintAxis(painter, at, sight, QRectF(at.barBegin, kAxis, at.barEnd - at.barBegin, rowsEnd - kAxis));
    painter.save();
    painter.setClipRect(QRectF(sight.left(), sight.top() + kAxis, sight.width(), sight.height() - kAxis));
    const auto first = static_cast<std::size_t>(std::max(0.0, std::floor((sight.top() - kAxis) / kRow)));
    const auto last = static_cast<std::size_t>(std::max(0.0, std::ceil((sight.bottom() - kAxis) / kRow)));
    const int hovered = hover() ? rowAt(*hover()) : -1;
    for (auto row = first; row < std::min(last, m_rows.size()); ++row) {
        const double top = kAxis + kRow * static_cast<double>(row);
        if (static_cast<int>(row) == hovered)
            painter.fillRect(QRectF(0, top, size.width(), kRow), theme.color(Role::Raised));
        paintRow(painter, at, m_rows[row], top);
    }
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    painter.drawText(QRectF(at.barBegin, rowsEnd, at.end - at.barBegin, kRow), Qt::AlignLeft | Qt::AlignVCenter,
                     m_note);
    painter.restore();
}

void BarList::paintAxis(QPainter& painter, const Columns& at, const QRectF& sight, const QRectF& bars) const {
    const Theme& theme = context().theme();
    painter.setFont(Theme::caption());
    const int most = std::clamp(static_cast<int>(bars.width() / 60), 2, 8);
    painter.setPen(theme.color(Role::Muted));
    painter.drawText(QRectF(at.barBegin, sight.top() + 2, at.end - at.barBegin, 16), Qt::AlignLeft | Qt::AlignVCenter,
                     m_axisTitle);
    if (!m_second.isEmpty()) { // the legend, right of the axis title
        double x = at.end;
        for (const int bar : {1, 0}) {
            const QString& name = bar == 0 ? m_first : m_second;
            const double width = QFontMetricsF(Theme::caption()).horizontalAdvance(name) + 4;
            painter.drawText(QRectF(x - width, sight.top() + 2, width, 16), Qt::AlignRight | Qt::AlignVCenter, name);
            painter.fillRect(QRectF(x - width - 14, sight.top() + 6, 10, 8), theme.category(bar));
            x -= width + 26;
        }
    }
    for (const auto& tick : linearTicks({0, m_top}, most)) {
        if (!tick.major) continue;
        const double x = at.barBegin + bars.width() * tick.value / m_top;
        painter.setPen(QPen(theme.color(Role::Faint), 0.5));
        painter.drawLine(QPointF(x, std::max(bars.top(), sight.top() + kAxis) - 4), QPointF(x, bars.bottom()));
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(x - 40, sight.top() + 18, 80, 16), Qt::AlignCenter, tick.label);
    }
}

void BarList::paintRow(QPainter& painter, const Columns& at, const BarRow& row, double top) const {
    const Theme& theme = context().theme();
    painter.setFont(Theme::figures());
    painter.setPen(theme.color(Role::Text));
    const QRectF label(kEdge, top, at.labelEnd - kEdge, kRow);
    painter.drawText(label, Qt::AlignRight | Qt::AlignVCenter,
                     QFontMetricsF(Theme::figures()).elidedText(row.label, Qt::ElideMiddle, label.width() + 1));
    painter.drawText(QRectF(at.barEnd, top, at.end - at.barEnd, kRow), Qt::AlignRight | Qt::AlignVCenter, row.text);
    if (row.phase) paintPhaseRing(painter, QPointF(at.ring, top + kRow / 2), 8, *row.phase, theme);
    const double scale = (at.barEnd - at.barBegin) / m_top;
    if (row.other) {
        painter.fillRect(QRectF(at.barBegin, top + 4, scale * row.value, 7), theme.category(0));
        painter.fillRect(QRectF(at.barBegin, top + 13, scale * *row.other, 7), theme.category(1));
        return;
    }
    painter.fillRect(QRectF(at.barBegin, top + 5, scale * row.value, kRow - 10), theme.color(Role::Muted));
    if (!row.interval) return;
    const double low = at.barBegin + scale * row.interval->first, high = at.barBegin + scale * row.interval->second;
    painter.setPen(QPen(theme.color(Role::Text), 1.25));
    painter.drawLine(QPointF(low, top + kRow / 2), QPointF(high, top + kRow / 2));
    for (const double end : {low, high})
        painter.drawLine(QPointF(end, top + kRow / 2 - 4), QPointF(end, top + kRow / 2 + 4));
}

} // namespace qscope
