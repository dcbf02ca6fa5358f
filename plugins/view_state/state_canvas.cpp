// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/state_canvas.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>

#include <cmath>

namespace qscope {

QString formatComponent(double value, int significant) {
    return formatNumber(std::abs(value) < 1e-12 ? 0 : value, significant);
}

StateCanvas::StateCanvas(ViewContext& context, const QString& accessibleName, QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_context(context) {
    setAccessibleName(accessibleName);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setMouseTracking(true);
    connect(&context, &ViewContext::themeChanged, viewport(), qOverload<>(&QWidget::update));
}

QSizeF StateCanvas::contentSize() const {
    const QSizeF room = viewport()->size();
    return {room.width(), std::max(room.height(), contentHeight(room.width()))};
}

void StateCanvas::contentChanged() {
    const double height = contentHeight(viewport()->width());
    verticalScrollBar()->setRange(0, std::max(0, qCeil(height) - viewport()->height()));
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(24);
    viewport()->update();
}

QPointF StateCanvas::toContent(QPointF viewportPoint) const {
    return viewportPoint + QPointF(0, verticalScrollBar()->value());
}

void StateCanvas::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(viewport()->rect(), m_context.theme().color(Role::Surface));
    const QPointF scrolled(0, verticalScrollBar()->value());
    const QRectF sight(scrolled, QSizeF(viewport()->size()));
    painter.translate(-scrolled);
    paint(painter, contentSize(), sight);
    paintKeyboardFocus(painter, *this, m_context.theme());
    if (!m_hover) return;
    const QString text = itemText(*m_hover);
    if (!text.isEmpty()) paintReadoutBox(painter, sight, *m_hover, text, m_context.theme());
}

void StateCanvas::resizeEvent(QResizeEvent*) { contentChanged(); }

void StateCanvas::mouseMoveEvent(QMouseEvent* event) {
    m_hover = toContent(event->position());
    viewport()->update();
}

void StateCanvas::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) click(toContent(event->position()));
}

void StateCanvas::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    const QString item = itemText(toContent(event->pos()));
    if (!item.isEmpty())
        menu.addAction(tr("Copy value"), this, [item] { QGuiApplication::clipboard()->setText(item); });
    addChartActions(
        menu, *viewport(), m_context, [this] { return csv(); }, accessibleName());
    menu.exec(event->globalPos());
}

bool StateCanvas::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::Leave) {
        m_hover.reset();
        viewport()->update();
    }
    return QAbstractScrollArea::viewportEvent(event);
}

} // namespace qscope
