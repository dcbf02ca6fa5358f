// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/roles.h"
#include "engine/quantum/circuit.h"

#include <QAbstractItemModel>
#include <QString>

#include <array>
#include <memory>
#include <vector>

namespace qscope {

/// "cx q[0], q[2]" with parameters and condition, as written in the file.
[[nodiscard]] QString operationText(const engine::Circuit& circuit, const engine::Operation& operation);

/// A circuit as a tree of two levels: registers, gates by count, operations in order. Rows of operations carry their index in
/// `IndexRole`, those of single qubits likewise below -1 as `-2 - qubit`.
class CircuitTreeModel : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Section { Qubits, Bits, Gates, Operations, SectionCount };

    using QAbstractItemModel::QAbstractItemModel;

    void setCircuit(std::shared_ptr<const engine::Circuit> circuit);
    [[nodiscard]] QModelIndex operation(std::int64_t index) const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Row {
        QString name;
        QString value;
        qlonglong index = -1;
    };
    [[nodiscard]] Row row(int section, int row) const;

    std::shared_ptr<const engine::Circuit> m_circuit;
    std::array<std::vector<Row>, 3> m_rows; ///< operations are made on demand
};

} // namespace qscope
