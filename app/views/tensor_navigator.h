// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/tensor_tree_model.h"
#include "app/workspace/workspace.h"

#include <QTimer>
#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QStackedWidget;
class QTreeView;

namespace qscope {

class EmptyState;

/// The tensors of the open checkpoint: filter by name, sort by any number, click to select.
class TensorNavigator : public QWidget {
    Q_OBJECT
public:
    explicit TensorNavigator(Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] TensorTreeModel& model() { return m_model; }
    /// A column of the model, or -1 for the order of the file. Numbers sort largest first.
    void sortBy(int column);
    void focusFilter();
    void setGrouped(bool grouped);
    [[nodiscard]] bool grouped() const { return m_grouped; }
    /// Selects the tensor that comes first in the present order.
    void selectFirst();
    /// The next (1) or previous (-1) tensor in the present order.
    void selectNeighbour(int step);
    /// Asks for the text of the selected tensor's note.
    void editNote();

private:
    QWidget* makeBody();
    void setCheckpoint();
    void rebuild();
    void takeStatistics(std::int64_t tensor);
    void showSelection();
    void selectIndex(const QModelIndex& index);
    void expandForReading();
    void showColumnMenu(const QPoint& at);
    void showRowMenu(const QPoint& at);
    [[nodiscard]] QModelIndex leafFrom(QModelIndex index, int step) const;

    Workspace& m_workspace;
    TensorTreeModel m_model;
    std::unique_ptr<Jobs> m_jobs;
    QTimer m_resort;
    QTimer m_filterDelay;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    QLineEdit* m_filter;
    QComboBox* m_sort;
    QTreeView* m_tree;
    QLabel* m_summary;
    bool m_grouped = true;
    bool m_updating = false;
};

} // namespace qscope
