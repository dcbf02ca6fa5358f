// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/source_panel.h"

#include "plugins/view_circuit/circuit_canvas.h"

#include <QFontDatabase>
#include <QListWidget>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <QVBoxLayout>

namespace qscope {

namespace {

QFont codeFont() {
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    font.setPointSizeF(Theme::body().pointSizeF());
    return font;
}

QString severityName(Severity severity) {
    switch (severity) {
    case Severity::Error: return QObject::tr("Error");
    case Severity::Warning: return QObject::tr("Warning");
    case Severity::Note: break;
    }
    return QObject::tr("Note");
}

Role severityRole(Severity severity) {
    return severity == Severity::Error ? Role::Bad : severity == Severity::Warning ? Role::Warn : Role::Muted;
}

} // namespace

SourceText::SourceText(ViewContext& context, QWidget* parent)
    : QPlainTextEdit(parent)
    , m_context(context)
    , m_numbers(new QWidget(this)) {
    setAccessibleName(tr("Circuit source"));
    setReadOnly(true);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setLineWrapMode(QPlainTextEdit::NoWrap);
    setFrameShape(QFrame::NoFrame);
    setFont(codeFont());
    m_numbers->installEventFilter(this);
    connect(this, &QPlainTextEdit::updateRequest, m_numbers, qOverload<>(&QWidget::update));
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        if (before.step != m_context.selection().step) followStep();
    });
    connect(&context, &ViewContext::themeChanged, this, [this] { recolor(); });
    recolor();
}

void SourceText::load() {
    const auto opened = m_context.circuit();
    setPlainText(opened ? opened->text : QString());
    m_stepOfLine.clear();
    if (opened && opened->circuit) {
        std::int64_t step = 0;
        for (const auto& operation : opened->circuit->operations) m_stepOfLine[operation.span.line] = ++step;
    }
    const int digits = static_cast<int>(QString::number(blockCount()).size());
    const int width = QFontMetrics(codeFont()).horizontalAdvance(QLatin1Char('9')) * digits + 16;
    setViewportMargins(width, 0, 0, 0);
    m_numbers->setGeometry(0, 0, width, height());
    m_marked = 0;
    followStep();
}

void SourceText::goTo(int line, int column) {
    const QTextBlock block = document()->findBlockByNumber(line - 1);
    if (!block.isValid()) return;
    // Columns count bytes; the editor counts UTF-16 units.
    const auto before = block.text().toUtf8().left(std::max(0, column - 1));
    QTextCursor cursor(block);
    cursor.setPosition(block.position() + static_cast<int>(QString::fromUtf8(before).size()));
    setTextCursor(cursor);
    markLine(line);
    centerCursor();
}

void SourceText::followStep() {
    const auto opened = m_context.circuit();
    const auto step = m_context.selection().step;
    if (!opened || !opened->circuit || step <= 0 || opened->circuit->operations.empty()) return markLine(0);
    const auto last = std::min(static_cast<std::size_t>(step), opened->circuit->operations.size()) - 1;
    markLine(opened->circuit->operations[last].span.line);
    const QTextBlock block = document()->findBlockByNumber(m_marked - 1);
    if (!block.isValid()) return;
    const int shown = viewport()->height() / std::max(1, fontMetrics().lineSpacing());
    const int first = firstVisibleBlock().blockNumber();
    if (m_marked - 1 < first || m_marked > first + shown - 1) verticalScrollBar()->setValue(m_marked - 1 - shown / 2);
}

void SourceText::markLine(int line) {
    m_marked = line;
    QList<QTextEdit::ExtraSelection> marks;
    const QTextBlock block = document()->findBlockByNumber(line - 1);
    if (line > 0 && block.isValid()) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = QTextCursor(block);
        QColor color = m_context.theme().color(Role::Accent);
        color.setAlpha(48);
        mark.format.setBackground(color);
        mark.format.setProperty(QTextFormat::FullWidthSelection, true);
        marks << mark;
    }
    setExtraSelections(marks);
    m_numbers->update();
}

void SourceText::recolor() {
    QPalette colors = palette();
    colors.setColor(QPalette::Base, m_context.theme().color(Role::Raised));
    colors.setColor(QPalette::Text, m_context.theme().color(Role::Text));
    setPalette(colors);
    markLine(m_marked);
}

void SourceText::resizeEvent(QResizeEvent* event) {
    QPlainTextEdit::resizeEvent(event);
    m_numbers->resize(m_numbers->width(), height());
}

void SourceText::mouseReleaseEvent(QMouseEvent* event) {
    QPlainTextEdit::mouseReleaseEvent(event);
    if (textCursor().hasSelection()) return; // text was marked for copying
    const auto found = m_stepOfLine.find(textCursor().blockNumber() + 1);
    if (found != m_stepOfLine.end()) selectStep(m_context, found->second);
}

bool SourceText::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_numbers && event->type() == QEvent::Paint) {
        paintNumbers(static_cast<QPaintEvent*>(event));
        return true;
    }
    return QPlainTextEdit::eventFilter(watched, event);
}

void SourceText::paintNumbers(QPaintEvent*) {
    QPainter painter(m_numbers);
    painter.fillRect(m_numbers->rect(), m_context.theme().color(Role::Raised));
    painter.setFont(codeFont());
    for (QTextBlock block = firstVisibleBlock(); block.isValid(); block = block.next()) {
        const QRectF place = blockBoundingGeometry(block).translated(contentOffset());
        if (place.top() > m_numbers->height()) break;
        const bool marked = block.blockNumber() + 1 == m_marked;
        painter.setPen(m_context.theme().color(marked ? Role::Text : Role::Muted));
        painter.drawText(QRectF(0, place.top(), m_numbers->width() - 8, place.height()), Qt::AlignRight | Qt::AlignTop,
                         QString::number(block.blockNumber() + 1));
    }
}

MessageList::MessageList(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_list(new QListWidget(this)) {
    m_list->setAccessibleName(tr("Messages about the source"));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setWordWrap(true);
    m_list->setSpacing(4);
    m_list->setFont(Theme::body());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_list);
    connect(m_list, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) {
        emit placeChosen(item->data(Qt::UserRole).toInt(), item->data(Qt::UserRole + 1).toInt());
    });
    connect(m_list, &QListWidget::itemActivated, m_list, &QListWidget::itemClicked);
    connect(&context, &ViewContext::themeChanged, this, [this] { load(); });
}

void MessageList::load() {
    m_list->clear();
    const auto opened = m_context.circuit();
    setVisible(opened && !opened->diagnostics.empty());
    if (!opened) return;
    for (const auto& entry : opened->diagnostics) {
        QString text = entry.span.line > 0
                           ? tr("%1, line %2, column %3: %4")
                                 .arg(severityName(entry.severity))
                                 .arg(entry.span.line)
                                 .arg(entry.span.column)
                                 .arg(QString::fromStdString(entry.message))
                           : tr("%1: %2").arg(severityName(entry.severity), QString::fromStdString(entry.message));
        if (!entry.suggestion.empty())
            text += QLatin1Char('\n') + tr("Suggestion: %1").arg(QString::fromStdString(entry.suggestion));
        auto* item = new QListWidgetItem(text, m_list);
        item->setForeground(m_context.theme().color(severityRole(entry.severity)));
        item->setData(Qt::UserRole, entry.span.line);
        item->setData(Qt::UserRole + 1, entry.span.column);
    }
}

} // namespace qscope
