// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QSpinBox;
class QStackedWidget;
class QTableWidget;
class QToolButton;

namespace qscope {

class EmptyState;

/// How the open circuit is simulated and what came out: step, precision, shots, seed, observables; norm, gates and time.
class SimulatePanel : public QWidget {
    Q_OBJECT
public:
    explicit SimulatePanel(Workspace& workspace, QWidget* parent = nullptr);

    /// Operations forward or back; beyond the ends stays at the end.
    void step(std::int64_t by);

private:
    QWidget* makeBody();
    QWidget* makeStepRow();
    void refresh();
    void refreshResult();
    void store();

    Workspace& m_workspace;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    QLabel* m_position;
    std::vector<QToolButton*> m_stepButtons;
    QComboBox* m_precision;
    QSpinBox* m_shots;
    QSpinBox* m_seed;
    QLineEdit* m_observables;
    QLabel* m_problem;
    QTableWidget* m_facts;
};

} // namespace qscope
