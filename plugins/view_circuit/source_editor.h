// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/circuit_text.h"
#include "plugins/view_circuit/qasm_highlighter.h"
#include "plugins/view_circuit/source_folding.h"

#include <QPlainTextEdit>

#include <map>

class QCompleter;
class QStandardItemModel;

namespace qscope {

class SourceGutter;

/// The text of the open circuit with line numbers: an editor over the context's `CircuitText`, which holds the text and
/// its undo steps, or read-only where there is none. The line of the last applied operation is marked; the cursor on a
/// line selects the step after its operations. What the parser remarks is underlined, with its words on hover.
class SourceEditor : public QPlainTextEdit {
    Q_OBJECT
public:
    SourceEditor(ViewContext& context, QWidget* parent);
    /// Shows the circuit's text; call when the circuit changed.
    void load();
    /// Puts the cursor at a place counted from 1, columns in bytes.
    void goTo(int line, int column);

    struct Line {
        int number = 0; ///< from 0
        double top = 0, height = 0;
    };
    [[nodiscard]] std::vector<Line> visibleLines() const;
    [[nodiscard]] SourceFolding& folding() { return m_folding; }
    [[nodiscard]] int markedLine() const { return m_marked; } ///< from 1; 0: none
    /// The worst severity of a remark on a line, or nothing.
    [[nodiscard]] std::optional<Severity> remarkOn(int line) const;
    void setGutterWidth(int width) { setViewportMargins(width, 0, 0, 0); }

protected:
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;

private:
    // source_editor.cpp
    void adoptEdit(int begin, int removed, int inserted);
    void passOn();
    void followStep();
    void followCursor();
    void recolor();
    void showMarks();
    [[nodiscard]] QString remarkAt(QPoint point) const;
    // source_typing.cpp
    void makeCompleter();
    void complete(bool asked);
    void insertCompletion(const QString& word);
    bool typeSpecially(QKeyEvent* event);

    ViewContext& m_context;
    CircuitText* m_text; ///< null: only to be looked at
    SourceGutter* m_gutter;
    SourceFolding m_folding;
    QasmHighlighter* m_highlighter;
    QCompleter* m_completer = nullptr;
    QStandardItemModel* m_proposals = nullptr;
    bool m_mirroring = false; ///< the document follows the circuit's text, or the other way round
    int m_marked = 0;
    int m_cursorLine = -1;
    std::map<int, std::int64_t> m_stepOfLine; ///< after the last operation that stands on the line
};

} // namespace qscope
