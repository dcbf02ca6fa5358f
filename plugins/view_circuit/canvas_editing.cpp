// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/canvas_editing.h"

#include "plugins/view_circuit/circuit_canvas.h"
#include "plugins/view_circuit/gate_edits.h"

#include <QApplication>
#include <QDropEvent>
#include <QKeyEvent>
#include <QMimeData>

namespace qscope {

CanvasEditing::CanvasEditing(ViewContext& context, CircuitCanvas& canvas)
    : QObject(&canvas)
    , m_context(context)
    , m_canvas(canvas) {
    canvas.viewport()->setAcceptDrops(true);
    canvas.viewport()->installEventFilter(this);
    canvas.installEventFilter(this);
}

std::optional<CanvasEditing::Place> CanvasEditing::placeAt(QPointF point, std::optional<std::size_t> moved) const {
    const auto* drawing = m_canvas.drawing();
    if (!drawing) return std::nullopt;
    const QPointF at = point + m_canvas.sight().topLeft();
    const int qubit = drawing->hitAt({0, at.y()}).qubit;
    if (qubit < 0) return std::nullopt;
    return Place{qubit, operationBehind(*drawing, at.x(), qubit, qubit, moved)};
}

void CanvasEditing::showMark(QPointF point, std::optional<std::size_t> moved) {
    const auto place = placeAt(point, moved);
    if (!place) return m_canvas.setDropMark({});
    const auto* drawing = m_canvas.drawing();
    const double x = std::max(point.x() + m_canvas.sight().left(), drawing->labelWidth());
    const int columns = drawing->layout().columns;
    double edge = columns == 0 ? drawing->labelWidth() : drawing->columnX(columns);
    if (columns > 0 && x < edge) {
        const int column = drawing->columnAt(x);
        edge = drawing->columnX(x > drawing->columnCenter(column) ? column + 1 : column);
    }
    const double side = CircuitGeometry::kBox + 4;
    m_canvas.setDropMark(QRectF(edge - 3, drawing->wireY(place->qubit) - side / 2, 6, side));
}

bool CanvasEditing::drag(QEvent* event) {
    if (event->type() == QEvent::DragLeave) {
        m_canvas.setDropMark({});
        return true;
    }
    auto* drop = static_cast<QDropEvent*>(event);
    const auto* gate = findPaletteGate(QString::fromUtf8(drop->mimeData()->data(QLatin1String(kGateMime))));
    if (!gate || !m_canvas.drawing()) return false;
    drop->acceptProposedAction();
    if (event->type() != QEvent::Drop) {
        showMark(drop->position(), std::nullopt);
        return true;
    }
    m_canvas.setDropMark({});
    if (const auto place = placeAt(drop->position(), std::nullopt))
        insertGate(m_context, *gate, place->qubit, place->before);
    return true;
}

void CanvasEditing::endMove() {
    if (std::exchange(m_moving, false)) m_canvas.viewport()->unsetCursor();
    m_grabbed = -1;
    m_canvas.setDropMark({});
}

bool CanvasEditing::mouse(QMouseEvent* event) {
    const auto* drawing = m_canvas.drawing();
    if (!drawing) return false;
    if (event->type() == QEvent::MouseButtonPress) {
        endMove();
        if (event->button() != Qt::LeftButton || event->position().x() < drawing->labelWidth()) return false;
        const auto hit = drawing->hitAt(event->position() + m_canvas.sight().topLeft());
        m_grabbed = hit.operation;
        m_grabbedQubit = hit.qubit;
        m_pressed = event->position();
        return false; // and it is selected
    }
    if (m_grabbed < 0) return false;
    const auto operation = static_cast<std::size_t>(m_grabbed);
    if (event->type() == QEvent::MouseMove) {
        if (!(event->buttons() & Qt::LeftButton)) {
            endMove();
            return false;
        }
        if (!m_moving && (event->position() - m_pressed).manhattanLength() < QApplication::startDragDistance())
            return false;
        if (!std::exchange(m_moving, true)) m_canvas.viewport()->setCursor(Qt::ClosedHandCursor);
        showMark(event->position(), operation);
        return true;
    }
    const bool moved = m_moving;
    const int from = m_grabbedQubit;
    endMove();
    if (!moved) return false;
    if (const auto place = placeAt(event->position(), operation))
        moveGate(m_context, operation, from, place->qubit, place->before);
    return true;
}

bool CanvasEditing::eventFilter(QObject* watched, QEvent* event) {
    switch (event->type()) {
    case QEvent::DragEnter:
    case QEvent::DragMove:
    case QEvent::DragLeave:
    case QEvent::Drop: return watched == m_canvas.viewport() && drag(event);
    case QEvent::MouseButtonPress:
    case QEvent::MouseMove:
    case QEvent::MouseButtonRelease: return watched == m_canvas.viewport() && mouse(static_cast<QMouseEvent*>(event));
    case QEvent::KeyPress: {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const auto step = m_context.selection().step;
        if (key == Qt::Key_Escape && m_moving) {
            endMove();
            return true;
        }
        if ((key != Qt::Key_Delete && key != Qt::Key_Backspace) || step <= 0) return false;
        removeGate(m_context, static_cast<std::size_t>(step - 1));
        return true;
    }
    default: return false;
    }
}

} // namespace qscope
