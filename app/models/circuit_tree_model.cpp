// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/circuit_tree_model.h"

#include "plugins/sdk/format.h"

#include <cmath>
#include <type_traits>

namespace qscope {

namespace {

QString bitName(const std::vector<engine::Register>& registers, int bit) {
    for (const auto& reg : registers)
        if (bit >= reg.first && bit < reg.first + reg.size)
            return QStringLiteral("%1[%2]").arg(QString::fromStdString(reg.name)).arg(bit - reg.first);
    return QString::number(bit);
}

QString names(const engine::Circuit& circuit, const std::vector<int>& qubits) {
    QStringList list;
    for (const int qubit : qubits) list << bitName(circuit.qregs, qubit);
    return list.join(QStringLiteral(", "));
}

QString call(const engine::Circuit& circuit, const std::string& name, const std::vector<double>& parameters,
             const std::vector<int>& qubits, const engine::GateDetail* detail = nullptr) {
    QStringList values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (std::isfinite(parameters[i])) values << formatAngle(parameters[i]);
        else if (detail && i < detail->expressions.size()) values << QString::fromStdString(engine::expressionText(detail->expressions[i], circuit));
        else values << QStringLiteral("…"); // known when it runs
    }
    const QString list = values.isEmpty() ? QString() : QStringLiteral("(%1)").arg(values.join(QStringLiteral(", ")));
    return QStringLiteral("%1%2 %3").arg(QString::fromStdString(name), list, names(circuit, qubits));
}

} // namespace

QString operationText(const engine::Circuit& circuit, const engine::Operation& operation) {
    const QString text = std::visit(
        [&](const auto& what) -> QString {
            using T = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<T, engine::MeasureOp>)
                return QStringLiteral("measure %1 → %2").arg(bitName(circuit.qregs, what.qubit),
                                                             bitName(circuit.cregs, what.clbit));
            else if constexpr (std::is_same_v<T, engine::ResetOp>)
                return QStringLiteral("reset %1").arg(bitName(circuit.qregs, what.qubit));
            else if constexpr (std::is_same_v<T, engine::BarrierOp>)
                return QStringLiteral("barrier %1").arg(names(circuit, what.qubits));
            else if constexpr (std::is_same_v<T, engine::ControlOp>)
                return QStringLiteral("%1 %2").arg(QString::fromStdString(what.control->label), names(circuit, what.control->qubits)).trimmed();
            else if constexpr (std::is_same_v<T, engine::GateOp>)
                return call(circuit, what.name, what.parameters, what.qubits, what.detail.get());
            else return call(circuit, what.name, what.parameters, what.qubits);
        },
        operation.what);
    if (!operation.condition) return text;
    const auto& reg = circuit.cregs[static_cast<std::size_t>(operation.condition->creg)];
    return QStringLiteral("if %1 = %2: %3").arg(QString::fromStdString(reg.name)).arg(operation.condition->value).arg(text);
}

void CircuitTreeModel::setCircuit(std::shared_ptr<const engine::Circuit> circuit) {
    beginResetModel();
    m_circuit = std::move(circuit);
    for (auto& rows : m_rows) rows.clear();
    if (m_circuit) {
        for (int qubit = 0; qubit < m_circuit->qubits; ++qubit)
            m_rows[Qubits].push_back({bitName(m_circuit->qregs, qubit), {}, -2 - qubit});
        for (const auto& reg : m_circuit->cregs)
            m_rows[Bits].push_back({QString::fromStdString(reg.name), tr("%n bit(s)", nullptr, reg.size), -1});
        for (const auto& [name, count] : engine::gateCounts(*m_circuit))
            m_rows[Gates].push_back({QString::fromStdString(name), formatInteger(count), -1});
    }
    endResetModel();
}

QModelIndex CircuitTreeModel::operation(std::int64_t index) const {
    if (!m_circuit || index < 0 || index >= static_cast<std::int64_t>(m_circuit->operations.size())) return {};
    return this->index(static_cast<int>(index), 0, this->index(Operations, 0));
}

CircuitTreeModel::Row CircuitTreeModel::row(int section, int row) const {
    if (section != Operations) return m_rows[static_cast<std::size_t>(section)][static_cast<std::size_t>(row)];
    const auto& operation = m_circuit->operations[static_cast<std::size_t>(row)];
    return {operationText(*m_circuit, operation), tr("line %1").arg(operation.span.line), row};
}

QModelIndex CircuitTreeModel::index(int row, int column, const QModelIndex& parent) const {
    if (!hasIndex(row, column, parent)) return {};
    return createIndex(row, column, parent.isValid() ? static_cast<quintptr>(parent.row() + 1) : 0);
}

QModelIndex CircuitTreeModel::parent(const QModelIndex& index) const {
    if (!index.isValid() || index.internalId() == 0) return {};
    return createIndex(static_cast<int>(index.internalId()) - 1, 0, static_cast<quintptr>(0));
}

int CircuitTreeModel::rowCount(const QModelIndex& parent) const {
    if (!m_circuit || parent.column() > 0) return 0;
    if (!parent.isValid()) return SectionCount;
    if (parent.internalId() != 0) return 0;
    if (parent.row() == Operations) return static_cast<int>(m_circuit->operations.size());
    return static_cast<int>(m_rows[static_cast<std::size_t>(parent.row())].size());
}

int CircuitTreeModel::columnCount(const QModelIndex&) const { return 2; }

QVariant CircuitTreeModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == 1 ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (index.internalId() == 0) {
        if (role == IndexRole) return -1;
        if (role != Qt::DisplayRole) return {};
        if (index.column() == 1) return formatInteger(rowCount(index.siblingAtColumn(0)));
        switch (index.row()) {
        case Qubits: return tr("Qubits");
        case Bits: return tr("Classical registers");
        case Gates: return tr("Gates");
        default: return tr("Operations");
        }
    }
    if (role != Qt::DisplayRole && role != IndexRole && role != Qt::ToolTipRole) return {};
    const Row row = this->row(static_cast<int>(index.internalId()) - 1, index.row());
    if (role == IndexRole) return row.index;
    return index.column() == 0 || role == Qt::ToolTipRole ? row.name : row.value;
}

QVariant CircuitTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    return section == 0 ? tr("Name") : tr("Count");
}

} // namespace qscope
