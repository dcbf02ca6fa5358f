// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/source_editor.h"

#include "plugins/view_circuit/circuit_canvas.h"
#include "plugins/view_circuit/source_gutter.h"

#include <QFontDatabase>
#include <QHelpEvent>
#include <QScopedValueRollback>
#include <QScrollBar>
#include <QTextBlock>
#include <QToolTip>

namespace qscope {

namespace {

QFont codeFont() {
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    font.setPointSizeF(Theme::body().pointSizeF());
    return font;
}

/// A document has other signs for a few characters.
bool same(QChar document, QChar text) {
    return document == text || (document == QLatin1Char(' ') && text == QChar(0xA0));
}

} // namespace

SourceEditor::SourceEditor(ViewContext& context, QWidget* parent)
    : QPlainTextEdit(parent)
    , m_context(context)
    , m_text(editableText(context))
    , m_folding(*this)
    , m_highlighter(new QasmHighlighter(document(), context.theme())) {
    setAccessibleName(tr("Circuit source"));
    setUndoRedoEnabled(false); // the circuit's text has the undo steps
    setLineWrapMode(QPlainTextEdit::NoWrap);
    setFrameShape(QFrame::NoFrame);
    setFont(codeFont());
    m_gutter = new SourceGutter(context, *this);
    if (m_text) {
        makeCompleter();
        connect(m_text, &CircuitText::loaded, this, &SourceEditor::load);
        connect(m_text, &CircuitText::edited, this, &SourceEditor::adoptEdit);
        connect(m_text, &CircuitText::checked, this, &SourceEditor::showMarks);
    } else {
        setReadOnly(true);
        setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    }
    connect(document(), &QTextDocument::contentsChange, this, [this] { passOn(); });
    connect(this, &QPlainTextEdit::cursorPositionChanged, this, [this] { followCursor(); });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        if (before.step != m_context.selection().step) followStep();
    });
    connect(&context, &ViewContext::themeChanged, this, [this] { recolor(); });
    recolor();
    load(); // at once: what is typed here must never meet another text there
}

void SourceEditor::load() {
    const auto opened = m_context.circuit();
    const QString text = m_text && m_text->isOpen() ? m_text->text() : opened ? opened->text : QString();
    if (const QScopedValueRollback mirroring(m_mirroring, true); toPlainText() != text) setPlainText(text);
    m_stepOfLine.clear();
    if (opened && opened->circuit) {
        std::int64_t step = 0;
        for (const auto& operation : opened->circuit->operations) m_stepOfLine[operation.span.line] = ++step;
    }
    m_folding.refresh();
    m_gutter->refresh();
    m_marked = 0;
    m_cursorLine = textCursor().blockNumber();
    followStep();
}

void SourceEditor::passOn() {
    if (m_mirroring || !m_text || !m_text->isOpen()) return;
    const QScopedValueRollback mirroring(m_mirroring, true);
    // What Qt reports as changed is often more; undo steps should be what the user did.
    const QString now = toPlainText(), before = m_text->text();
    const int shorter = static_cast<int>(std::min(now.size(), before.size()));
    int head = 0, tail = 0;
    while (head < shorter && same(now[head], before[head])) ++head;
    while (tail < shorter - head && same(now[now.size() - 1 - tail], before[before.size() - 1 - tail])) ++tail;
    const int removed = static_cast<int>(before.size()) - head - tail;
    const QString inserted = now.mid(head, now.size() - head - tail);
    if (removed == 0 && inserted.isEmpty()) return; // formats only
    constexpr int kTyping = 1, kDeleting = 2;
    const bool wordGoesOn = removed == 0 && inserted.size() == 1 && !inserted.front().isSpace();
    const int key = wordGoesOn ? kTyping : inserted.isEmpty() && removed == 1 ? kDeleting : -1;
    m_text->replace(head, removed, inserted, inserted.isEmpty() ? tr("Delete") : tr("Typing"), key);
    m_folding.refresh();
    m_gutter->refresh();
}

void SourceEditor::adoptEdit(int begin, int removed, int inserted) {
    if (m_mirroring) return;
    const QScopedValueRollback mirroring(m_mirroring, true);
    QTextCursor cursor(document());
    cursor.setPosition(begin);
    cursor.setPosition(begin + removed, QTextCursor::KeepAnchor);
    cursor.insertText(m_text->text().mid(begin, inserted));
    m_folding.refresh();
    m_gutter->refresh();
    if (!hasFocus()) return; // the user looks at the drawing
    setTextCursor(cursor);
    ensureCursorVisible();
}

void SourceEditor::goTo(int line, int column) {
    const QTextBlock block = document()->findBlockByNumber(line - 1);
    if (!block.isValid()) return;
    m_folding.reveal(line - 1);
    // Columns count bytes; the editor counts UTF-16 units.
    const auto before = block.text().toUtf8().left(std::max(0, column - 1));
    QTextCursor cursor(block);
    cursor.setPosition(block.position() + static_cast<int>(QString::fromUtf8(before).size()));
    setTextCursor(cursor);
    m_marked = line;
    showMarks();
    centerCursor();
}

void SourceEditor::followStep() {
    const auto opened = m_context.circuit();
    const auto step = m_context.selection().step;
    m_marked = 0;
    if (opened && opened->circuit && step > 0 && !opened->circuit->operations.empty()) {
        const auto last = std::min(static_cast<std::size_t>(step), opened->circuit->operations.size()) - 1;
        m_marked = opened->circuit->operations[last].span.line;
    }
    showMarks();
    const QTextBlock block = document()->findBlockByNumber(m_marked - 1);
    if (m_marked == 0 || !block.isValid() || hasFocus()) return; // who types there must not lose his place
    m_folding.reveal(m_marked - 1);
    const int shown = viewport()->height() / std::max(1, fontMetrics().lineSpacing());
    const int first = firstVisibleBlock().firstLineNumber(), line = block.firstLineNumber();
    if (line < first || line > first + shown - 2) verticalScrollBar()->setValue(line - shown / 2);
}

void SourceEditor::followCursor() {
    const int line = textCursor().blockNumber();
    if (std::exchange(m_cursorLine, line) == line || m_mirroring || !hasFocus() || textCursor().hasSelection()) return;
    if (m_text && !m_text->inStep()) return; // its lines are others
    const auto found = m_stepOfLine.find(line + 1);
    if (found != m_stepOfLine.end()) selectStep(m_context, found->second);
}

void SourceEditor::showMarks() {
    QList<QTextEdit::ExtraSelection> marks;
    const auto& theme = m_context.theme();
    const QTextBlock block = document()->findBlockByNumber(m_marked - 1);
    if (m_marked > 0 && block.isValid() && (!m_text || m_text->inStep())) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = QTextCursor(block);
        QColor color = theme.color(Role::Accent);
        color.setAlpha(48);
        mark.format.setBackground(color);
        mark.format.setProperty(QTextFormat::FullWidthSelection, true);
        marks << mark;
    }
    if (m_text)
        for (const auto& entry : m_text->diagnostics()) {
            if (entry.span.line <= 0) continue;
            QTextEdit::ExtraSelection mark;
            mark.cursor = QTextCursor(document());
            const int length = static_cast<int>(m_text->text().size());
            int begin = std::min(unitsBefore(m_text->text(), entry.span.begin), length),
                end = std::min(unitsBefore(m_text->text(), entry.span.end), length);
            if (end <= begin) end = std::min(begin + 1, length);
            if (end <= begin) begin = std::max(0, end - 1);
            mark.cursor.setPosition(begin);
            mark.cursor.setPosition(end, QTextCursor::KeepAnchor);
            mark.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
            mark.format.setUnderlineColor(theme.color(entry.severity == Severity::Error     ? Role::Bad
                                                      : entry.severity == Severity::Warning ? Role::Warn
                                                                                            : Role::Muted));
            marks << mark;
        }
    setExtraSelections(marks);
    m_gutter->update();
}

std::optional<Severity> SourceEditor::remarkOn(int line) const {
    std::optional<Severity> worst;
    if (m_text)
        for (const auto& entry : m_text->diagnostics())
            if (entry.span.line == line && (!worst || entry.severity > *worst)) worst = entry.severity;
    return worst;
}

QString SourceEditor::remarkAt(QPoint point) const {
    if (!m_text) return {};
    const auto at = bytesBefore(m_text->text(), cursorForPosition(point).position());
    QStringList words;
    for (const auto& entry : m_text->diagnostics()) {
        if (entry.span.line <= 0 || at < entry.span.begin || at > std::max(entry.span.end, entry.span.begin + 1))
            continue;
        words << QString::fromStdString(entry.message);
        if (!entry.suggestion.empty()) words << tr("Suggestion: %1").arg(QString::fromStdString(entry.suggestion));
    }
    return words.join(QLatin1Char('\n'));
}

std::vector<SourceEditor::Line> SourceEditor::visibleLines() const {
    std::vector<Line> lines;
    for (QTextBlock block = firstVisibleBlock(); block.isValid(); block = block.next()) {
        const QRectF place = blockBoundingGeometry(block).translated(contentOffset());
        if (place.top() > viewport()->height()) break;
        if (block.isVisible()) lines.push_back({block.blockNumber(), place.top(), place.height()});
    }
    return lines;
}

void SourceEditor::recolor() {
    QPalette colors = palette();
    colors.setColor(QPalette::Base, m_context.theme().color(Role::Raised));
    colors.setColor(QPalette::Text, m_context.theme().color(Role::Text));
    setPalette(colors);
    const QScopedValueRollback mirroring(m_mirroring, true); // formats are no edit
    m_highlighter->setTheme(m_context.theme());
    showMarks();
}

bool SourceEditor::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        auto* help = static_cast<QHelpEvent*>(event);
        QToolTip::showText(help->globalPos(), remarkAt(viewport()->mapFrom(this, help->pos())), this);
        return true;
    }
    return QPlainTextEdit::event(event);
}

void SourceEditor::resizeEvent(QResizeEvent* event) {
    QPlainTextEdit::resizeEvent(event);
    m_gutter->setGeometry(0, 0, m_gutter->width(), height());
}

void SourceEditor::mouseReleaseEvent(QMouseEvent* event) {
    QPlainTextEdit::mouseReleaseEvent(event);
    if (textCursor().hasSelection()) return; // text was marked for copying
    m_cursorLine = -1;                       // a click on the same line selects it again
    if (hasFocus() || isReadOnly()) {
        const auto found = m_stepOfLine.find(textCursor().blockNumber() + 1);
        if (found != m_stepOfLine.end() && (!m_text || m_text->inStep())) selectStep(m_context, found->second);
    }
    m_cursorLine = textCursor().blockNumber();
}

} // namespace qscope
