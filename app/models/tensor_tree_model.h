// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/roles.h"
#include "app/models/tensor_tree.h"
#include "app/workspace/statistics_cache.h"

#include <QAbstractItemModel>
#include <QString>

#include <functional>
#include <vector>

namespace qscope {

/// The tensors of a checkpoint as a tree with sortable numbers. Sorts and filters by itself on plain numbers, because a proxy
/// model takes seconds for 100,000 tensors. A module shows the largest number found below it and sorts by that, so that
/// the worst tensor comes first at every level.
class TensorTreeModel : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Column { Name, Shape, Type, Size, Std, AbsMax, Kurtosis, MaxToMean, Outliers, Note, ColumnCount };

    using QAbstractItemModel::QAbstractItemModel;

    /// Keeps filter and sort order; forgets the numbers.
    void setTree(std::shared_ptr<const TensorTree> tree);
    [[nodiscard]] const std::shared_ptr<const TensorTree>& tree() const { return m_tree; }
    void setNumbers(std::int64_t tensor, const StatisticsRow& numbers);
    /// Text shown in the note column, by tensor index.
    void setNotes(std::function<QString(std::int64_t)> noteOf);
    /// Shows only tensors whose name contains `text` (any case; `*` and `?` make it a glob), with their modules.
    void setFilter(const QString& text);
    [[nodiscard]] int visibleTensors() const { return m_visibleTensors; }

    /// Descending numbers put unknown ones last. Column -1: order of the file.
    void sort(int column, Qt::SortOrder order = Qt::AscendingOrder) override;
    /// Sorts again when numbers arrived since.
    void resort();
    [[nodiscard]] QModelIndex indexOf(std::int64_t tensor) const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] int nodeOf(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOfNode(int node, int column) const;
    [[nodiscard]] double number(int node, int column) const;
    [[nodiscard]] QString display(int node, int column) const;
    [[nodiscard]] QString tooltip(int node) const;
    void applyFilter();
    void applySort();

    std::shared_ptr<const TensorTree> m_tree;
    std::vector<std::vector<int>> m_children; ///< visible, sorted
    std::vector<int> m_rows;                  ///< of each visible node in its parent
    std::vector<int> m_nodeOfTensor;
    std::vector<StatisticsRow> m_numbers; ///< per node; modules hold the maxima
    std::function<QString(std::int64_t)> m_noteOf;
    QString m_filter;
    int m_visibleTensors = 0;
    int m_sortColumn = -1;
    Qt::SortOrder m_sortOrder = Qt::AscendingOrder;
    bool m_sortStale = false;
};

} // namespace qscope
