// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/circuit_canvas.h"

#include "plugins/sdk/widgets/chart_export.h"

#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>

namespace qscope {

CircuitCanvas::CircuitCanvas(ViewContext& context, QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_context(context)
    , m_minimap(new CircuitMinimap(context, *this)) {
    setAccessibleName(tr("Circuit drawing"));
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setMouseTracking(true);
    m_minimap->hide();
    connect(&context, &ViewContext::themeChanged, viewport(), qOverload<>(&QWidget::update));
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        if (before.step != m_context.selection().step) followStep();
        viewport()->update();
    });
}

void CircuitCanvas::setGeometryOf(std::shared_ptr<const CircuitGeometry> geometry) {
    m_geometry = std::move(geometry);
    m_hovered = -1;
    const bool large = m_geometry && m_geometry->circuit().qubits >= kMinimapQubits;
    setViewportMargins(0, 0, 0, large ? CircuitMinimap::kHeight : 0);
    m_minimap->setVisible(large);
    updateScrollBars();
    m_minimap->refresh();
    followStep();
    viewport()->update();
}

QRectF CircuitCanvas::sight() const {
    return {static_cast<double>(horizontalScrollBar()->value()), static_cast<double>(verticalScrollBar()->value()),
            static_cast<double>(viewport()->width()), static_cast<double>(viewport()->height())};
}

void CircuitCanvas::centerOn(QPointF center) {
    horizontalScrollBar()->setValue(static_cast<int>(center.x()) - viewport()->width() / 2);
    verticalScrollBar()->setValue(static_cast<int>(center.y()) - viewport()->height() / 2);
}

void CircuitCanvas::updateScrollBars() {
    const QSizeF size = m_geometry ? m_geometry->size() : QSizeF();
    const auto set = [](QScrollBar& bar, double whole, int room) {
        bar.setRange(0, std::max(0, qCeil(whole) - room));
        bar.setPageStep(room);
        bar.setSingleStep(static_cast<int>(CircuitGeometry::kRow));
    };
    set(*horizontalScrollBar(), size.width(), viewport()->width());
    set(*verticalScrollBar(), size.height(), viewport()->height());
    const QRect room = rect();
    const int bar = horizontalScrollBar()->isVisible() ? horizontalScrollBar()->height() : 0;
    m_minimap->setGeometry(0, room.height() - bar - CircuitMinimap::kHeight, viewport()->width(),
                           CircuitMinimap::kHeight);
}

void CircuitCanvas::followStep() {
    const auto step = m_context.selection().step;
    if (!m_geometry || step < 0) return;
    const double x = m_geometry->stepX(step);
    const QRectF shown = sight();
    const double margin = CircuitGeometry::kRow;
    if (x < shown.left() + m_geometry->labelWidth() + margin || x > shown.right() - margin)
        horizontalScrollBar()->setValue(static_cast<int>(x - shown.width() / 2));
    if (step == 0 || m_geometry->layout().operations.empty()) return;
    const auto last = std::min(static_cast<std::size_t>(step), m_geometry->layout().operations.size()) - 1;
    const QRectF symbol = m_geometry->operationRect(last);
    if (symbol.bottom() > shown.bottom() || symbol.top() < shown.top())
        verticalScrollBar()->setValue(static_cast<int>(symbol.center().y() - shown.height() / 2));
}

CircuitMarks CircuitCanvas::marks() const {
    return {m_context.selection().step, m_context.selection().qubit, m_hovered};
}

void CircuitCanvas::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), m_context.theme().color(Role::Surface));
    if (!m_geometry) return;
    const QRectF shown = sight();
    painter.translate(-shown.topLeft());
    paintCircuit(painter, *m_geometry, shown, m_context.theme(), marks());
    if (m_dropMark) painter.fillRect(*m_dropMark, m_context.theme().color(Role::Accent));
}

void CircuitCanvas::resizeEvent(QResizeEvent*) { updateScrollBars(); }

void CircuitCanvas::scrollContentsBy(int, int) {
    viewport()->update(); // the names stay in place, so nothing can be moved
    emit scrolled();
}

void CircuitCanvas::mousePressEvent(QMouseEvent* event) {
    if (!m_geometry || event->button() != Qt::LeftButton) return;
    QPointF point = event->position() + sight().topLeft();
    if (event->position().x() < m_geometry->labelWidth()) point.setX(0); // the names lie over the columns
    const CircuitHit hit = m_geometry->hitAt(point);
    Selection selection = m_context.selection();
    if (hit.qubit >= 0) selection.qubit = hit.qubit;
    if (hit.operation >= 0) selection.step = hit.operation + 1;
    m_context.select(selection);
}

void CircuitCanvas::mouseMoveEvent(QMouseEvent* event) {
    const bool overNames = !m_geometry || event->position().x() < m_geometry->labelWidth();
    const auto hovered = overNames ? -1 : m_geometry->hitAt(event->position() + sight().topLeft()).operation;
    if (hovered == m_hovered) return;
    m_hovered = hovered;
    viewport()->update();
}

void CircuitCanvas::wheelEvent(QWheelEvent* event) {
    // Circuits are long: where there is nothing to scroll vertically, a plain wheel moves along the wires.
    if (verticalScrollBar()->maximum() == 0 && event->angleDelta().x() == 0)
        horizontalScrollBar()->setValue(horizontalScrollBar()->value() - event->angleDelta().y());
    else
        QAbstractScrollArea::wheelEvent(event);
}

void CircuitCanvas::keyPressEvent(QKeyEvent* event) {
    if (!m_geometry) return QAbstractScrollArea::keyPressEvent(event);
    const auto total = static_cast<std::int64_t>(m_geometry->layout().operations.size());
    const auto step = m_context.selection().step < 0 ? total : m_context.selection().step;
    Selection selection = m_context.selection();
    switch (event->key()) {
    case Qt::Key_Left: return selectStep(m_context, step - 1);
    case Qt::Key_Right: return selectStep(m_context, step + 1);
    case Qt::Key_Home: return selectStep(m_context, 0);
    case Qt::Key_End: return selectStep(m_context, total);
    case Qt::Key_Up:
    case Qt::Key_Down:
        selection.qubit = std::clamp(selection.qubit + (event->key() == Qt::Key_Down ? 1 : -1), 0,
                                     std::max(0, m_geometry->circuit().qubits - 1));
        return m_context.select(selection);
    default: QAbstractScrollArea::keyPressEvent(event);
    }
}

QString CircuitCanvas::tooltipAt(QPointF point) const {
    const auto opened = m_context.circuit();
    const CircuitHit hit = m_geometry ? m_geometry->hitAt(point) : CircuitHit{};
    if (hit.operation < 0 || !opened || opened->circuit.get() != &m_geometry->circuit()) return {};
    const auto& operation = opened->circuit->operations[static_cast<std::size_t>(hit.operation)];
    const auto text = opened->text.toUtf8().mid(static_cast<qsizetype>(operation.span.begin),
                                                static_cast<qsizetype>(operation.span.end - operation.span.begin));
    return tr("Operation %1, line %2\n%3").arg(hit.operation + 1).arg(operation.span.line).arg(QString::fromUtf8(text));
}

QString CircuitCanvas::operationsAsCsv() const {
    QString text = QStringLiteral("step,column,operation,parameters,controls,targets\n");
    const auto list = [](const std::vector<int>& qubits) {
        QStringList names;
        for (const int qubit : qubits) names << QString::number(qubit);
        return names.join(QLatin1Char(' '));
    };
    std::int64_t step = 0;
    for (const auto& operation : m_geometry->layout().operations)
        text += QStringLiteral("%1,%2,%3,\"%4\",%5,%6\n")
                    .arg(++step)
                    .arg(operation.column)
                    .arg(QString::fromStdString(operation.label), QString::fromStdString(operation.parameterText),
                         list(operation.controls), list(operation.targets));
    return text;
}

void CircuitCanvas::contextMenuEvent(QContextMenuEvent* event) {
    if (!m_geometry) return;
    QMenu menu(this);
    menu.addAction(tr("Save whole drawing…"), this, &CircuitCanvas::saveWanted);
    addChartActions(
        menu, *viewport(), m_context, [this] { return operationsAsCsv(); }, QStringLiteral("circuit"));
    menu.exec(event->globalPos());
}

bool CircuitCanvas::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        auto* help = static_cast<QHelpEvent*>(event);
        QToolTip::showText(help->globalPos(), tooltipAt(QPointF(help->pos()) + sight().topLeft()), viewport());
        return true;
    }
    if (event->type() == QEvent::Leave && m_hovered >= 0) {
        m_hovered = -1;
        viewport()->update();
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void selectStep(ViewContext& context, std::int64_t step) {
    const auto opened = context.circuit();
    if (!opened || !opened->circuit) return;
    Selection selection = context.selection();
    selection.step = std::clamp<std::int64_t>(step, 0, static_cast<std::int64_t>(opened->circuit->operations.size()));
    context.select(selection);
}

} // namespace qscope
