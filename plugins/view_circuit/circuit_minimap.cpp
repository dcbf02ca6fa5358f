// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/circuit_canvas.h"

#include <QMouseEvent>
#include <QPainter>

namespace qscope {

CircuitMinimap::CircuitMinimap(ViewContext& context, CircuitCanvas& canvas)
    : QWidget(&canvas)
    , m_context(context)
    , m_canvas(canvas) {
    setAccessibleName(tr("Overview of the circuit"));
    connect(&context, &ViewContext::themeChanged, this, &CircuitMinimap::refresh);
    connect(&context, &ViewContext::selectionChanged, this, qOverload<>(&QWidget::update));
    connect(&canvas, &CircuitCanvas::scrolled, this, qOverload<>(&QWidget::update));
}

void CircuitMinimap::refresh() {
    const auto* drawing = m_canvas.drawing();
    m_image = drawing && !isHidden() ? circuitMinimap(*drawing, size(), m_context.theme()) : QImage();
    update();
}

void CircuitMinimap::resizeEvent(QResizeEvent*) { refresh(); }

void CircuitMinimap::paintEvent(QPaintEvent*) {
    const auto* drawing = m_canvas.drawing();
    if (!drawing) return;
    QPainter painter(this);
    painter.drawImage(0, 0, m_image);
    const double xScale = width() / drawing->size().width(), yScale = height() / drawing->size().height();
    const auto step = m_context.selection().step;
    painter.setPen(QPen(m_context.theme().color(Role::Accent), 2));
    if (step >= 0)
        painter.drawLine(QPointF(drawing->stepX(step) * xScale, 0), QPointF(drawing->stepX(step) * xScale, height()));
    const QRectF sight = m_canvas.sight();
    const QRectF frame(sight.left() * xScale, sight.top() * yScale, sight.width() * xScale, sight.height() * yScale);
    painter.setPen(QPen(m_context.theme().color(Role::Text), 1));
    painter.drawRect(frame.intersected(QRectF(rect())).adjusted(0.5, 0.5, -1, -1));
}

void CircuitMinimap::mousePressEvent(QMouseEvent* event) { moveTo(event->position()); }

void CircuitMinimap::mouseMoveEvent(QMouseEvent* event) {
    if (event->buttons() & Qt::LeftButton) moveTo(event->position());
}

void CircuitMinimap::moveTo(QPointF point) {
    const auto* drawing = m_canvas.drawing();
    if (drawing)
        m_canvas.centerOn(
            {point.x() / width() * drawing->size().width(), point.y() / height() * drawing->size().height()});
}

} // namespace qscope
