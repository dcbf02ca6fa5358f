// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/result_board.h"

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;
class QTimer;

namespace qscope {

/// One line under the header while there is something to say: a sweep under way with its progress and a button to
/// cancel it, why it failed, or that pinned results are not in memory and a button that makes them again.
class BoardStrip : public QWidget {
    Q_OBJECT
public:
    BoardStrip(ViewContext& context, ResultBoard& board, QWidget* parent = nullptr);

    /// How many pinned columns have no result.
    void setMissing(int count);

private:
    void refresh();

    ViewContext& m_context;
    ResultBoard& m_board;
    QLabel* m_text;
    QProgressBar* m_progress;
    QPushButton* m_button;
    QTimer* m_poll;
    int m_missing = 0;
};

} // namespace qscope
