// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"
#include "plugins/view_comparison/board_state.h"
#include "plugins/view_comparison/sweep_map.h"

class QComboBox;
class QStackedWidget;

namespace qscope {

/// Results over two of the parameters in which they differ: any number, the best result of each combination.
class SweepPage : public QWidget {
    Q_OBJECT
public:
    SweepPage(ViewContext& context, BoardActions actions, QWidget* parent = nullptr);

    void show(const BoardState& state);
    using QWidget::show;

private:
    void fillChoices();
    void showMap();

    BoardActions m_actions;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    SweepMap* m_map;
    QComboBox *m_figure, *m_across, *m_down;
    QLabel* m_readout;
    BoardState m_state;
    ParameterTable m_parameters;
};

} // namespace qscope
