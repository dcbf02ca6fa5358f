// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/roles.h"
#include "engine/report/compare_report.h"

#include <QAbstractTableModel>

#include <memory>

namespace qscope {

/// Methods by metrics: one row per result of a report. Headers and tooltips come from the table of metrics.
class ReportModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Method, Bits, Bytes, RelativeMse, Sqnr, Cosine, MaxError, Seconds, Device, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;
    void setReport(std::shared_ptr<const engine::CompareReport> report);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::shared_ptr<const engine::CompareReport> m_report;
};

/// Tensors by metrics: one row per tensor that a method treated. `IndexRole` is the tensor's index in the checkpoint.
class TensorResultsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Layer, Bits, RelativeMse, Sqnr, Cosine, MaxError, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;
    /// `method` -1: nothing.
    void setResult(std::shared_ptr<const engine::CompareReport> report, int method);
    [[nodiscard]] QModelIndex indexOf(std::int64_t tensor) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::shared_ptr<const engine::CompareReport> m_report;
    int m_method = -1;
};

} // namespace qscope
