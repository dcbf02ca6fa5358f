// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QPlainTextEdit>

#include <unordered_map>

class QListWidget;

namespace qscope {

/// The text of the open circuit, read-only, with line numbers; the line of the last applied operation is marked, a
/// click on a line selects the step after its operations.
class SourceText : public QPlainTextEdit {
    Q_OBJECT
public:
    SourceText(ViewContext& context, QWidget* parent);
    /// Shows the circuit's text; call when the circuit changed.
    void load();
    /// Puts the cursor at a place counted from 1, columns in bytes.
    void goTo(int line, int column);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;

private:
    void followStep();
    void recolor();
    void markLine(int line);
    void paintNumbers(QPaintEvent* event);
    bool eventFilter(QObject* watched, QEvent* event) override;

    ViewContext& m_context;
    QWidget* m_numbers;
    int m_marked = 0;
    std::unordered_map<int, std::int64_t> m_stepOfLine; ///< after the last operation that stands on the line
};

/// What the parser has to say, one line each; a click goes to the place.
class MessageList : public QWidget {
    Q_OBJECT
public:
    MessageList(ViewContext& context, QWidget* parent);
    /// Lists the circuit's diagnostics, or hides itself when there are none.
    void load();

signals:
    void placeChosen(int line, int column);

private:
    ViewContext& m_context;
    QListWidget* m_list;
};

} // namespace qscope
