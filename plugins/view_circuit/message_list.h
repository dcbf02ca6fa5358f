// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/circuit_text.h"

#include <QWidget>

class QListWidget;

namespace qscope {

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
    CircuitText* m_text; ///< null: what was said when the file was opened
    QListWidget* m_list;
};

} // namespace qscope
