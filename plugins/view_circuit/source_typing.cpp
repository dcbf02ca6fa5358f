// SPDX-License-Identifier: GPL-3.0-or-later
// What keys do in the editor of a circuit's source: undo, indentation, completion.
#include "plugins/view_circuit/qasm_words.h"
#include "plugins/view_circuit/source_editor.h"

#include <QAbstractItemView>
#include <QCompleter>
#include <QKeyEvent>
#include <QScrollBar>
#include <QStandardItemModel>
#include <QTextBlock>

namespace qscope {

namespace {
constexpr int kWordRole = Qt::UserRole + 1;
constexpr int kAutomatic = 2; ///< letters after which completion offers itself
} // namespace

void SourceEditor::makeCompleter() {
    m_proposals = new QStandardItemModel(this);
    m_completer = new QCompleter(m_proposals, this);
    m_completer->setWidget(this);
    m_completer->setCompletionRole(kWordRole);
    m_completer->setCompletionMode(QCompleter::PopupCompletion);
    m_completer->setCaseSensitivity(Qt::CaseInsensitive);
    m_completer->popup()->setObjectName(QStringLiteral("completions"));
    connect(m_completer, qOverload<const QModelIndex&>(&QCompleter::activated), this,
            [this](const QModelIndex& index) { insertCompletion(index.data(kWordRole).toString()); });
}

void SourceEditor::complete(bool asked) {
    const auto found = completionsAt(m_text->text(), textCursor().position());
    if (found.proposals.empty() || (!asked && found.prefix.size() < kAutomatic)) return m_completer->popup()->hide();
    m_proposals->clear();
    int longest = 0;
    for (const auto& proposal : found.proposals) longest = std::max(longest, static_cast<int>(proposal.word.size()));
    for (const auto& proposal : found.proposals) {
        auto* item = new QStandardItem(proposal.word.leftJustified(longest + 2) + proposal.detail);
        item->setData(proposal.word, kWordRole);
        m_proposals->appendRow(item);
    }
    m_completer->setCompletionPrefix(found.prefix);
    auto* popup = m_completer->popup();
    popup->setFont(document()->defaultFont());
    popup->setCurrentIndex(m_completer->completionModel()->index(0, 0));
    QRect place = cursorRect();
    place.translate(viewport()->x() - fontMetrics().horizontalAdvance(found.prefix), 0);
    place.setWidth(std::max(200, popup->sizeHintForColumn(0)) + popup->verticalScrollBar()->sizeHint().width() + 8);
    m_completer->complete(place);
}

void SourceEditor::insertCompletion(const QString& word) {
    auto cursor = textCursor();
    const auto prefix = completionsAt(m_text->text(), cursor.position()).prefix;
    cursor.movePosition(QTextCursor::Left, QTextCursor::KeepAnchor, static_cast<int>(prefix.size()));
    cursor.insertText(word);
    setTextCursor(cursor);
}

bool SourceEditor::typeSpecially(QKeyEvent* event) {
    if (event->matches(QKeySequence::Undo) || event->matches(QKeySequence::Redo)) {
        // Not by this editor's document: the drawing's edits are in the same row of steps.
        event->matches(QKeySequence::Undo) ? m_text->undoStack().undo() : m_text->undoStack().redo();
        return true;
    }
    if (event->key() == Qt::Key_Space && event->modifiers() == Qt::ControlModifier) {
        complete(true);
        return true;
    }
    if (event->key() == Qt::Key_Tab && !textCursor().hasSelection()) {
        insertPlainText(QStringLiteral("  "));
        return true;
    }
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        const QString before = textCursor().block().text().left(textCursor().positionInBlock());
        QString indent;
        for (const QChar c : before) {
            if (!c.isSpace()) break;
            indent += c;
        }
        if (before.trimmed().endsWith(QLatin1Char('{'))) indent += QStringLiteral("  ");
        insertPlainText(QLatin1Char('\n') + indent);
        ensureCursorVisible();
        return true;
    }
    if (event->text() == QLatin1String("}") &&
        textCursor().block().text().left(textCursor().positionInBlock()).trimmed().isEmpty()) {
        auto cursor = textCursor(); // one step out again
        for (int i = 0; i < 2 && cursor.positionInBlock() > 0; ++i) cursor.deletePreviousChar();
    }
    return false;
}

void SourceEditor::keyPressEvent(QKeyEvent* event) {
    if (!m_text) return QPlainTextEdit::keyPressEvent(event);
    if (m_completer->popup()->isVisible() && (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter ||
                                              event->key() == Qt::Key_Tab || event->key() == Qt::Key_Escape))
        return event->ignore(); // the list's
    if (typeSpecially(event)) return event->accept();
    QPlainTextEdit::keyPressEvent(event);
    const QString typed = event->text();
    const bool word = !typed.isEmpty() && (typed.front().isLetterOrNumber() || typed.front() == QLatin1Char('_'));
    if (word && !(event->modifiers() & (Qt::ControlModifier | Qt::AltModifier)))
        complete(false);
    else if (event->key() == Qt::Key_Backspace && m_completer->popup()->isVisible())
        complete(true);
    else if (!typed.isEmpty())
        m_completer->popup()->hide();
}

} // namespace qscope
