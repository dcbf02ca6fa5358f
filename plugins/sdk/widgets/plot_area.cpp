// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/plot_area.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kDragThreshold = 5;  // pixels before a press becomes a drag
constexpr double kThinRubber = 14;    // a rubber band flatter than this zooms one axis alone
constexpr double kDeepestZoom = 1e-6; // of the full range

/// The part of `full` that `wanted` asks for, in the axis' own measure; nothing when it is all of it.
std::optional<Range> clampedView(Scale scale, const Range& full, double low, double high) {
    const double length = std::clamp(high - low, kDeepestZoom, 1.0);
    low = std::clamp(low, 0.0, 1.0 - length);
    if (length >= 1.0) return std::nullopt;
    return Range{fromUnit(scale, full, low), fromUnit(scale, full, low + length)};
}

} // namespace

PlotArea::PlotArea(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    connect(&context, &ViewContext::themeChanged, this, qOverload<>(&QWidget::update));
}

void PlotArea::setTitle(const QString& title) {
    m_title = title;
    setAccessibleName(title);
    update();
}

void PlotArea::setAxes(const Axis& x, const Axis& y) {
    m_xAxis = x;
    m_yAxis = y;
    updateFullRanges();
}

void PlotArea::setLayers(std::vector<PlotLayer> layers) {
    m_layers = std::move(layers);
    updateFullRanges();
}

void PlotArea::setBands(std::vector<Range> bands) {
    m_bands = std::move(bands);
    update();
}

void PlotArea::setFullRange(std::optional<Range> x, std::optional<Range> y) {
    m_fixedX = x;
    m_fixedY = y;
    updateFullRanges();
}

void PlotArea::setNote(std::function<QString(const Range&)> note) {
    m_note = std::move(note);
    update();
}

void PlotArea::setReadout(std::function<QString(const Hit&)> readout) { m_readout = std::move(readout); }
void PlotArea::setMenuHook(std::function<void(QMenu&, const std::optional<Hit>&)> hook) {
    m_menuHook = std::move(hook);
}

void PlotArea::updateFullRanges() {
    std::optional<Range> x, y;
    bool edges = false, points = false;
    const auto join = [](std::optional<Range>& into, const std::optional<Range>& more) {
        if (!more) return;
        into = into ? Range{std::min(into->low, more->low), std::max(into->high, more->high)} : *more;
    };
    for (const PlotLayer& layer : m_layers) {
        if (layer.mark == Mark::Ticks) continue;
        join(x, extentX(layer, m_xAxis.scale));
        join(y, extentY(layer, m_yAxis.scale));
        edges = edges || hasEdges(layer);
        points = points || layer.mark == Mark::Points;
    }
    const Range fullX = m_fixedX ? *m_fixedX
                                 : padded(m_xAxis.scale, x.value_or(Range{}),
                                          edges    ? 0
                                          : points ? 0.06
                                                   : 0.02);
    Range fullY = m_fixedY ? *m_fixedY : padded(m_yAxis.scale, y.value_or(Range{}), 0.06);
    if (edges && !m_fixedY) {
        // Bars stand on their baseline; on a log axis the smallest one must still have a height.
        if (m_yAxis.scale == Scale::Log)
            fullY.low = y ? y->low / 2 : fullY.low;
        else if (y && y->low >= 0)
            fullY.low = 0;
    }
    if (fullX != m_fullX || fullY != m_fullY) {
        m_fullX = fullX;
        m_fullY = fullY;
        m_viewX.reset();
        m_viewY.reset();
    }
    update();
}

void PlotArea::setView(std::optional<Range> x, std::optional<Range> y) {
    m_viewX = x;
    m_viewY = y;
    update();
}

void PlotArea::setMarked(bool marked) {
    m_marked = marked;
    update();
}

void PlotArea::showHover(std::optional<double> x) {
    if (!x || !viewX().contains(*x))
        m_hover.reset();
    else {
        const PlotFrame at = frame();
        m_hover = QPointF(at.toPixel(*x, at.y.low).x(), at.area.center().y());
    }
    update();
}

QString PlotArea::asCsv() const { return layersAsCsv(m_layers, m_xAxis, m_yAxis); }

std::optional<PlotArea::Hit> PlotArea::hitAt(QPointF pixel) const {
    const PlotFrame at = frame();
    if (!at.area.contains(pixel)) return std::nullopt;
    std::optional<Hit> best;
    double nearest = 1e300;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        const auto index = hitLayer(m_layers[i], at, pixel);
        if (!index) continue;
        double distance = 1e6; // bars and steps yield to any point or line nearby
        if (!hasEdges(m_layers[i])) {
            const auto k = static_cast<std::size_t>(*index);
            const QPointF point = at.toPixel(m_layers[i].x[k], m_layers[i].y[k]);
            distance = std::hypot(point.x() - pixel.x(), point.y() - pixel.y());
        }
        if (distance < nearest) nearest = distance, best = Hit{i, *index};
    }
    return best;
}

QString PlotArea::readoutOf(const Hit& hit) const {
    if (m_readout) return m_readout(hit);
    const PlotLayer& layer = m_layers[hit.layer];
    const auto index = static_cast<std::size_t>(hit.index);
    const auto withUnit = [](QString text, const Axis& axis) {
        return axis.unit.isEmpty() ? text : text + QLatin1Char(' ') + axis.unit;
    };
    const auto number = [&](double value, const Axis& axis) {
        const bool integer = axis.whole && value == std::round(value) && std::abs(value) < 1e15;
        return withUnit(integer ? formatInteger(static_cast<std::int64_t>(value)) : formatNumber(value), axis);
    };
    QStringList lines;
    if (index < layer.labels.size())
        lines << layer.labels[index];
    else if (hasEdges(layer))
        lines << tr("%1 to %2").arg(formatNumber(layer.x[index]), number(layer.x[index + 1], m_xAxis));
    else
        lines << (m_xAxis.title.isEmpty() ? number(layer.x[index], m_xAxis)
                                          : tr("%1: %2").arg(m_xAxis.title, number(layer.x[index], m_xAxis)));
    if (layer.mark == Mark::Points) {
        lines << tr("%1: %2").arg(m_yAxis.title, number(layer.y[index], m_yAxis));
        return lines.join(QLatin1Char('\n'));
    }
    // All series that share this x are read at once.
    for (const PlotLayer& other : m_layers) {
        if (!other.interactive || hasEdges(other) != hasEdges(layer) || other.mark == Mark::Ticks ||
            other.mark == Mark::Points)
            continue;
        if (other.x.size() != layer.x.size() || index >= other.y.size() || other.x[index] != layer.x[index]) continue;
        lines << tr("%1: %2").arg(other.name.isEmpty() ? m_yAxis.title : other.name, number(other.y[index], m_yAxis));
    }
    return lines.join(QLatin1Char('\n'));
}

void PlotArea::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton && frame().area.contains(event->position())) m_pressed = event->position();
}

void PlotArea::mouseMoveEvent(QMouseEvent* event) {
    const QPointF at = event->position();
    const PlotFrame now = frame();
    if (m_pressed && (at - *m_pressed).manhattanLength() > kDragThreshold) {
        const QPointF end(std::clamp(at.x(), now.area.left(), now.area.right()),
                          std::clamp(at.y(), now.area.top(), now.area.bottom()));
        m_rubber = QRectF(*m_pressed, end).normalized();
        if (m_rubber.height() < kThinRubber)
            m_rubber = QRectF(m_rubber.left(), now.area.top(), m_rubber.width(), now.area.height());
        else if (m_rubber.width() < kThinRubber)
            m_rubber = QRectF(now.area.left(), m_rubber.top(), now.area.width(), m_rubber.height());
    }
    const bool inside = now.area.contains(at);
    m_hover = inside ? std::optional(at) : std::nullopt;
    emit hovered(now.toValue(at).x(), inside);
    update();
}

void PlotArea::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_pressed) return;
    m_pressed.reset();
    if (m_rubber.isNull()) {
        if (const auto hit = hitAt(event->position())) emit clicked(*hit);
        return;
    }
    const QRectF rubber = std::exchange(m_rubber, {});
    const PlotFrame at = frame();
    const QPointF low = at.toValue(rubber.bottomLeft());
    const QPointF high = at.toValue(rubber.topRight());
    if (rubber.width() < at.area.width() - 1)
        m_viewX = clampedView(m_xAxis.scale, m_fullX, toUnit(m_xAxis.scale, m_fullX, low.x()),
                              toUnit(m_xAxis.scale, m_fullX, high.x()));
    if (rubber.height() < at.area.height() - 1)
        m_viewY = clampedView(m_yAxis.scale, m_fullY, toUnit(m_yAxis.scale, m_fullY, low.y()),
                              toUnit(m_yAxis.scale, m_fullY, high.y()));
    emit viewChanged();
    update();
}

void PlotArea::mouseDoubleClickEvent(QMouseEvent* event) {
    if (const auto hit = hitAt(event->position()); hit && !m_viewX && !m_viewY) {
        emit doubleClickedOn(*hit);
        return;
    }
    setView(std::nullopt, std::nullopt);
    emit viewChanged();
}

void PlotArea::zoomAbout(QPointF pixel, double factor) {
    const PlotFrame at = frame();
    const bool overYAxis = pixel.x() < at.area.left();
    const bool overXAxis = pixel.y() > at.area.bottom();
    const bool barsOnly = std::any_of(m_layers.begin(), m_layers.end(), hasEdges);
    const QPointF value = at.toValue(pixel);
    const auto zoomed = [&](const Axis& axis, const Range& full, const Range& view, double about) {
        const double low = toUnit(axis.scale, full, view.low), high = toUnit(axis.scale, full, view.high);
        const double centre = std::clamp(toUnit(axis.scale, full, about), low, high);
        return clampedView(axis.scale, full, centre - (centre - low) * factor, centre + (high - centre) * factor);
    };
    if (!overYAxis) m_viewX = zoomed(m_xAxis, m_fullX, viewX(), value.x());
    if (!overXAxis && (overYAxis || !barsOnly)) m_viewY = zoomed(m_yAxis, m_fullY, viewY(), value.y());
    emit viewChanged();
    update();
}

void PlotArea::wheelEvent(QWheelEvent* event) {
    zoomAbout(event->position(), std::pow(0.8, event->angleDelta().y() / 120.0));
    event->accept();
}

void PlotArea::leaveEvent(QEvent*) {
    m_hover.reset();
    emit hovered(0, false);
    update();
}

void PlotArea::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    const auto hit = hitAt(event->pos());
    if (m_menuHook) m_menuHook(menu, hit);
    if (!menu.isEmpty()) menu.addSeparator();
    if (hit)
        menu.addAction(tr("Copy value"), this, [this, hit] {
            const PlotLayer& layer = m_layers[hit->layer];
            QGuiApplication::clipboard()->setText(
                QString::number(layer.y[static_cast<std::size_t>(hit->index)], 'g', 17));
        });
    addChartActions(
        menu, *this, m_context, [this] { return asCsv(); }, m_title.isEmpty() ? tr("chart") : m_title);
    menu.exec(event->globalPos());
}

void PlotArea::keyPressEvent(QKeyEvent* event) {
    const QRectF area = frame().area;
    const double step = event->modifiers().testFlag(Qt::ShiftModifier) ? 48 : 6;
    QPointF at = m_hover.value_or(area.center());
    switch (event->key()) {
    case Qt::Key_Left: at.rx() -= step; break;
    case Qt::Key_Right: at.rx() += step; break;
    case Qt::Key_Up: at.ry() -= step; break;
    case Qt::Key_Down: at.ry() += step; break;
    case Qt::Key_Plus:
    case Qt::Key_Equal: return zoomAbout(at, 0.8);
    case Qt::Key_Minus: return zoomAbout(at, 1.25);
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (const auto hit = hitAt(at)) emit clicked(*hit);
        return;
    case Qt::Key_Home:
        setView(std::nullopt, std::nullopt);
        emit viewChanged();
        return;
    default: return QWidget::keyPressEvent(event);
    }
    m_hover =
        QPointF(std::clamp(at.x(), area.left(), area.right() - 1), std::clamp(at.y(), area.top(), area.bottom() - 1));
    emit hovered(frame().toValue(*m_hover).x(), true);
    update();
}

QSize PlotArea::minimumSizeHint() const { return {160, 120}; }
QSize PlotArea::sizeHint() const { return {360, 240}; }

} // namespace qscope
