// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/circuit_tree_model.h"
#include "app/workspace/workspace.h"

#include <QWidget>

class QLabel;
class QStackedWidget;
class QTreeView;

namespace qscope {

class EmptyState;

/// Registers, gates and operations of the open circuit; a click on an operation steps to it, one on a qubit selects that.
class CircuitNavigator : public QWidget {
    Q_OBJECT
public:
    explicit CircuitNavigator(Workspace& workspace, QWidget* parent = nullptr);

private:
    void setCircuit();
    void showSelection();
    void selectIndex(const QModelIndex& index);

    Workspace& m_workspace;
    CircuitTreeModel m_model;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    QTreeView* m_tree;
    QLabel* m_summary;
    bool m_updating = false;
};

} // namespace qscope
