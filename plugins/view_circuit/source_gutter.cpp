// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/source_gutter.h"

#include "plugins/view_circuit/source_editor.h"

#include <QMouseEvent>
#include <QPainter>

namespace qscope {

namespace {
constexpr int kFold = 16; ///< room for the triangle, right of the number
}

SourceGutter::SourceGutter(ViewContext& context, SourceEditor& editor)
    : QWidget(&editor)
    , m_context(context)
    , m_editor(editor) {
    setAccessibleName(tr("Line numbers"));
    connect(&editor, &QPlainTextEdit::updateRequest, this, qOverload<>(&QWidget::update));
}

void SourceGutter::refresh() {
    const int digits = std::max(2, static_cast<int>(QString::number(m_editor.blockCount()).size()));
    const int width = m_editor.fontMetrics().horizontalAdvance(QLatin1Char('9')) * digits + 12 + kFold;
    m_editor.setGutterWidth(width);
    setGeometry(0, 0, width, m_editor.height());
    update();
}

void SourceGutter::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const auto& theme = m_context.theme();
    painter.fillRect(rect(), theme.color(Role::Raised));
    painter.setFont(m_editor.document()->defaultFont());
    for (const auto& line : m_editor.visibleLines()) {
        const bool marked = line.number + 1 == m_editor.markedLine();
        painter.setPen(theme.color(marked ? Role::Text : Role::Muted));
        painter.drawText(QRectF(0, line.top, width() - kFold - 2, line.height), Qt::AlignRight | Qt::AlignTop,
                         QString::number(line.number + 1));
        const double middle = line.top + line.height / 2;
        if (const auto remark = m_editor.remarkOn(line.number + 1); remark && *remark != Severity::Note) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme.color(*remark == Severity::Error ? Role::Bad : Role::Warn));
            painter.drawEllipse(QPointF(5, middle), 3, 3);
        }
        if (!m_editor.folding().foldable(line.number)) continue;
        const double x = width() - kFold / 2.0;
        painter.setPen(QPen(theme.color(Role::Muted), 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.setBrush(Qt::NoBrush);
        painter.drawPolyline(m_editor.folding().folded(line.number)
                                 ? QPolygonF({{x - 2, middle - 4}, {x + 2, middle}, {x - 2, middle + 4}})
                                 : QPolygonF({{x - 4, middle - 2}, {x, middle + 2}, {x + 4, middle - 2}}));
    }
}

void SourceGutter::mousePressEvent(QMouseEvent* event) {
    for (const auto& line : m_editor.visibleLines())
        if (event->position().y() >= line.top && event->position().y() < line.top + line.height) {
            if (event->position().x() >= width() - kFold && m_editor.folding().foldable(line.number))
                m_editor.folding().setFolded(line.number, !m_editor.folding().folded(line.number));
            else
                m_editor.goTo(line.number + 1, 1);
            return update();
        }
}

} // namespace qscope
