// SPDX-License-Identifier: GPL-3.0-or-later
// The painting half of PlotArea: where things lie and how they look.
#include "plugins/sdk/widgets/plot_area.h"

#include "plugins/sdk/widgets/chart_export.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kPad = 8;
constexpr double kTickLength = 4;
constexpr double kMinorTickLength = 2;

QFont titleFont() {
    QFont font = Theme::body();
    font.setWeight(QFont::DemiBold);
    return font;
}

QString captionOf(const Axis& axis) {
    return axis.unit.isEmpty() ? axis.title : QStringLiteral("%1 (%2)").arg(axis.title, axis.unit);
}

int mostTicks(double length, double spacing) { return std::max(2, static_cast<int>(length / spacing)); }

/// As many ticks on a horizontal axis of `length` pixels as their labels leave room for.
std::vector<Tick> fittingTicks(const Axis& axis, const Range& range, double length, const QFontMetricsF& metrics) {
    for (int most = 12; most > 2; --most) {
        auto ticks = ticksOf(axis, range, most);
        double end = -1e9;
        bool fits = true;
        for (const Tick& tick : ticks) {
            if (tick.label.isEmpty()) continue;
            const double half = metrics.horizontalAdvance(tick.label) / 2,
                         middle = toUnit(axis.scale, range, tick.value) * length;
            fits = fits && middle - half >= end;
            end = middle + half + kPad;
        }
        if (fits) return ticks;
    }
    return ticksOf(axis, range, 2);
}

bool drawsSwatchLine(const PlotLayer& layer) { return layer.mark == Mark::Line || layer.mark == Mark::Steps; }

/// Layers that need a legend entry: named, and not labelled where they end.
std::vector<const PlotLayer*> legendOf(const std::vector<PlotLayer>& layers) {
    std::vector<const PlotLayer*> entries;
    for (const PlotLayer& layer : layers)
        if (layer.inLegend && !layer.name.isEmpty() && layer.endLabel.isEmpty()) entries.push_back(&layer);
    if (entries.size() < 2) entries.clear();
    return entries;
}

/// Top edges of labels, moved apart so that no two overlap.
void spread(std::vector<std::pair<double, const PlotLayer*>>& labels, double height, double bottom) {
    std::sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 1; i < labels.size(); ++i)
        labels[i].first = std::max(labels[i].first, labels[i - 1].first + height);
    double limit = bottom;
    for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
        label->first = std::min(label->first, limit - height);
        limit = label->first;
    }
}

} // namespace

PlotFrame PlotArea::frame() const {
    const QFontMetricsF ticks(Theme::ticks()), caption(Theme::caption()), title(titleFont());
    double top = kPad / 2;
    if (!m_title.isEmpty()) top += title.height() + 2;
    if (!m_yAxis.title.isEmpty() || !legendOf(m_layers).empty()) top += caption.height() + 2;
    double bottom = kTickLength + ticks.height() + kPad / 2;
    if (!m_xAxis.title.isEmpty()) bottom += caption.height();
    double right = kPad;
    for (const PlotLayer& layer : m_layers)
        if (!layer.endLabel.isEmpty()) right = std::max(right, caption.horizontalAdvance(layer.endLabel) + 2 * kPad);
    right = std::min(right, width() * 0.4);
    top = std::max(top, ticks.height());
    const double height = std::max(10.0, this->height() - top - bottom);
    double labelWidth = 0;
    for (const Tick& tick : ticksOf(m_yAxis, viewY(), mostTicks(height, ticks.height() * 2.2)))
        labelWidth = std::max(labelWidth, ticks.horizontalAdvance(tick.label));
    const double left = std::max(kPad * 3, labelWidth + kTickLength + kPad);
    // Half of the last label of the x axis reaches beyond the plot.
    right = std::max(right, kPad * 2);
    return {QRectF(left, top, std::max(10.0, width() - left - right), height), m_xAxis, m_yAxis, viewX(), viewY()};
}

void PlotArea::paintAxes(QPainter& painter, const PlotFrame& at) const {
    const Theme& theme = m_context.theme();
    const QFontMetricsF metrics(Theme::ticks());
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setFont(Theme::ticks());
    const QRectF& area = at.area;
    QColor grid = theme.color(Role::Faint);
    grid.setAlphaF(0.28F);
    for (const Tick& tick : fittingTicks(m_xAxis, at.x, area.width(), metrics)) {
        const double x = std::round(at.toPixel(tick.value, at.y.low).x());
        if (tick.major && m_xAxis.fixedTicks.empty())
            painter.setPen(QPen(grid, 1)), painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
        painter.setPen(QPen(theme.color(Role::Faint), 1));
        painter.drawLine(QPointF(x, area.bottom()),
                         QPointF(x, area.bottom() + (tick.major ? kTickLength : kMinorTickLength)));
        const double half = metrics.horizontalAdvance(tick.label) / 2;
        if (tick.label.isEmpty() || x + half > width()) continue;
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QPointF(x - half, area.bottom() + kTickLength + metrics.ascent() + 1), tick.label);
    }
    for (const Tick& tick : ticksOf(m_yAxis, at.y, mostTicks(area.height(), metrics.height() * 2.2))) {
        const double y = std::round(at.toPixel(at.x.low, tick.value).y());
        if (tick.major)
            painter.setPen(QPen(grid, 1)), painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
        painter.setPen(QPen(theme.color(Role::Faint), 1));
        painter.drawLine(QPointF(area.left() - (tick.major ? kTickLength : kMinorTickLength), y),
                         QPointF(area.left(), y));
        if (tick.label.isEmpty()) continue;
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(0, y - metrics.height() / 2, area.left() - kTickLength - 2, metrics.height()),
                         Qt::AlignRight | Qt::AlignVCenter, tick.label);
    }
    painter.setPen(QPen(theme.color(Role::Faint), 1));
    painter.drawLine(area.bottomLeft(), area.bottomRight());
    painter.drawLine(area.topLeft(), area.bottomLeft());
    if (m_xAxis.markZero && at.x.low < 0 && at.x.high > 0) {
        const double x = std::round(at.toPixel(0, at.y.low).x());
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
    }
    if (m_yAxis.markZero && at.y.low < 0 && at.y.high > 0) {
        const double y = std::round(at.toPixel(at.x.low, 0).y());
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
    }
}

void PlotArea::paintCaptions(QPainter& painter, const PlotFrame& at) const {
    const Theme& theme = m_context.theme();
    const QFontMetricsF caption(Theme::caption()), title(titleFont());
    painter.setRenderHint(QPainter::Antialiasing);
    double y = kPad / 2;
    if (!m_title.isEmpty()) {
        painter.setFont(titleFont());
        painter.setPen(theme.color(Role::Text));
        painter.drawText(QRectF(kPad / 2, y, width() - kPad, title.height()), Qt::AlignLeft | Qt::AlignVCenter,
                         title.elidedText(m_title, Qt::ElideRight, width() - kPad));
        y += title.height() + 2;
    }
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    const QString yCaption = captionOf(m_yAxis);
    if (!yCaption.isEmpty()) painter.drawText(QPointF(kPad / 2, y + caption.ascent()), yCaption);
    double right = width() - kPad / 2;
    const double stop = kPad + caption.horizontalAdvance(yCaption) + kPad;
    const auto legend = legendOf(m_layers);
    for (auto entry = legend.rbegin(); entry != legend.rend(); ++entry) {
        const double space = right - stop - 20;
        if (space < 24) break;
        const QString name = caption.elidedText((*entry)->name, Qt::ElideRight, std::min(space, 260.0));
        const double textLeft = right - caption.horizontalAdvance(name);
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QPointF(textLeft, y + caption.ascent()), name);
        const QColor color = (*entry)->ink.color(theme);
        const double middle = y + caption.height() / 2;
        if (drawsSwatchLine(**entry)) {
            painter.setPen(QPen(color, 2, (*entry)->dash));
            painter.drawLine(QPointF(textLeft - 18, middle), QPointF(textLeft - 4, middle));
        } else if ((*entry)->mark == Mark::Ticks) {
            painter.setPen(QPen(color, 1));
            for (const double offset : {6.0, 10.0, 14.0})
                painter.drawLine(QPointF(textLeft - offset, middle - 4), QPointF(textLeft - offset, middle + 4));
        } else {
            painter.fillRect(QRectF(textLeft - 14, middle - 4, 8, 8), color);
        }
        right = textLeft - 18 - kPad;
    }
    painter.setPen(theme.color(Role::Muted));
    if (!m_xAxis.title.isEmpty())
        painter.drawText(QRectF(at.area.left(), height() - caption.height() - 2, at.area.width(), caption.height()),
                         Qt::AlignCenter, caption.elidedText(captionOf(m_xAxis), Qt::ElideRight, at.area.width()));
    if (const QString note = m_note ? m_note(viewX()) : QString(); !note.isEmpty()) {
        const QRectF room = at.area.adjusted(kPad, kPad / 2, -kPad / 2, 0);
        const QRectF needed = painter.boundingRect(room, Qt::AlignRight | Qt::AlignTop | Qt::TextWordWrap, note);
        QColor ground = theme.color(Role::Surface);
        ground.setAlphaF(0.8F);
        painter.fillRect(needed.adjusted(-4, 0, 4, 0), ground);
        painter.drawText(room, Qt::AlignRight | Qt::AlignTop | Qt::TextWordWrap, note);
    }
    std::vector<std::pair<double, const PlotLayer*>> ends;
    for (const PlotLayer& layer : m_layers) {
        if (layer.endLabel.isEmpty() || layer.y.empty()) continue;
        std::size_t last = layer.y.size();
        while (last > 0 && !(std::isfinite(layer.y[last - 1]) && layer.x[last - 1] <= at.x.high)) --last;
        if (last == 0) continue;
        const double middle = at.toPixel(at.x.low, layer.y[last - 1]).y();
        if (middle >= at.area.top() - 1 && middle <= at.area.bottom() + 1)
            ends.emplace_back(middle - caption.height() / 2, &layer);
    }
    spread(ends, caption.height(), at.area.bottom() + caption.height() / 2);
    for (const auto& [top, layer] : ends) {
        const QRectF room(at.area.right() + kPad / 2, top, width() - at.area.right() - kPad / 2, caption.height());
        painter.fillRect(QRectF(room.left(), room.center().y() - 1, 6, 2), layer->ink.color(theme));
        painter.setPen(theme.color(Role::Text));
        painter.drawText(room.adjusted(9, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter,
                         caption.elidedText(layer->endLabel, Qt::ElideRight, room.width() - 9));
    }
}

void PlotArea::paintHover(QPainter& painter, const PlotFrame& at) const {
    const Theme& theme = m_context.theme();
    if (!m_rubber.isNull()) {
        QColor veil = theme.color(Role::Accent);
        painter.setPen(QPen(veil, 1));
        veil.setAlphaF(0.15F);
        painter.setBrush(veil);
        painter.drawRect(m_rubber);
        return;
    }
    if (!m_hover) return;
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(QPen(theme.color(Role::Muted), 1, Qt::DotLine));
    painter.drawLine(QPointF(m_hover->x(), at.area.top()), QPointF(m_hover->x(), at.area.bottom()));
    const auto hit = hitAt(*m_hover);
    if (!hit) return;
    const PlotLayer& layer = m_layers[hit->layer];
    if (layer.mark == Mark::Line || layer.mark == Mark::Points) {
        const auto i = static_cast<std::size_t>(hit->index);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(QPen(theme.color(Role::Text), 1.5));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(at.toPixel(layer.x[i], layer.y[i]), 5, 5);
    }
    paintReadoutBox(painter, QRectF(rect()), *m_hover, readoutOf(*hit), theme);
}

void PlotArea::paintEvent(QPaintEvent*) {
    const Theme& theme = m_context.theme();
    QPainter painter(this);
    painter.fillRect(rect(), theme.color(Role::Surface));
    if (m_marked) painter.fillRect(QRect(0, 0, width(), 2), theme.color(Role::Accent));
    const PlotFrame at = frame();
    painter.save();
    painter.setClipRect(at.area);
    QColor shade = theme.color(Role::Sunken);
    for (const Range& band : m_bands) {
        const double left = at.toPixel(band.low, at.y.low).x(), right = at.toPixel(band.high, at.y.low).x();
        painter.fillRect(QRectF(left, at.area.top(), right - left, at.area.height()), shade);
    }
    painter.restore();
    paintAxes(painter, at);
    painter.save();
    painter.setClipRect(at.area.adjusted(0, -1, 1, 1));
    for (const PlotLayer& layer : m_layers)
        if (!layer.onHover || m_hover) paintLayer(painter, layer, at, theme);
    painter.restore();
    paintCaptions(painter, at);
    paintHover(painter, at);
    paintKeyboardFocus(painter, *this, theme);
}

} // namespace qscope
