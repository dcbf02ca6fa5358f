// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/source_folding.h"

#include "plugins/view_circuit/qasm_words.h"

#include <QPlainTextDocumentLayout>
#include <QTextBlock>

namespace qscope {

namespace {

void setShown(QTextBlock block, bool shown) {
    block.setVisible(shown);
    block.setLineCount(shown ? std::max(1, block.layout()->lineCount()) : 0); // the scroll bar counts lines
}

} // namespace

void SourceFolding::refresh() {
    m_ranges.clear();
    for (const auto& [first, last] : foldableLines(m_editor.toPlainText()))
        if (!m_ranges.contains(first)) m_ranges.emplace(first, last);
    bool changed = false;
    int hiddenTo = -1; // the last line of the folds around this one
    for (auto block = m_editor.document()->begin(); block.isValid(); block = block.next()) {
        const int line = block.blockNumber();
        if (!block.isVisible() && line > hiddenTo) {
            setShown(block, true);
            changed = true;
        }
        if (folded(line)) hiddenTo = std::max(hiddenTo, m_ranges.at(line));
    }
    if (changed) relayout();
}

bool SourceFolding::folded(int line) const {
    const auto next = m_editor.document()->findBlockByNumber(line + 1);
    return foldable(line) && next.isValid() && !next.isVisible();
}

void SourceFolding::setFolded(int line, bool fold) {
    const auto range = m_ranges.find(line);
    if (range == m_ranges.end()) return;
    for (int each = line + 1; each <= range->second; ++each)
        setShown(m_editor.document()->findBlockByNumber(each), !fold);
    auto cursor = m_editor.textCursor();
    if (fold && cursor.blockNumber() > line && cursor.blockNumber() <= range->second) {
        cursor.setPosition(m_editor.document()->findBlockByNumber(line).position());
        m_editor.setTextCursor(cursor);
    }
    relayout();
}

void SourceFolding::reveal(int line) {
    for (const auto& [first, last] : m_ranges)
        if (first < line && line <= last && folded(first)) setFolded(first, false);
}

void SourceFolding::relayout() {
    auto* layout = static_cast<QPlainTextDocumentLayout*>(m_editor.document()->documentLayout());
    layout->requestUpdate();
    emit layout->documentSizeChanged(layout->documentSize());
    m_editor.viewport()->update();
}

} // namespace qscope
