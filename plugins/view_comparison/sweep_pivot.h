// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"
#include "plugins/view_comparison/figures.h"

#include <QString>
#include <QStringList>

#include <map>
#include <vector>

namespace qscope {

/// What differs between results: "method", or the key of a parameter.
struct VariedParameter {
    QString key;
    QString label;      ///< "Group size"
    QStringList values; ///< numbers ascending, words as they come; "–" last, for results without the parameter
};

/// The parameters in which the results of a report differ, and each result's value of them; a value that a result does
/// not state is its method's default.
class ParameterTable {
public:
    ParameterTable() = default;
    ParameterTable(const engine::CompareReport& report, const engine::Registries* registries);

    [[nodiscard]] const std::vector<VariedParameter>& varied() const { return m_varied; }
    [[nodiscard]] const VariedParameter* find(const QString& key) const;
    [[nodiscard]] QString valueOf(std::size_t method, const QString& key) const;

private:
    std::vector<std::map<QString, QString>> m_values; ///< per result
    std::vector<VariedParameter> m_varied;
};

/// Results arranged by two parameters: the best by a figure in each cell.
struct SweepPivot {
    struct Cell {
        int method = -1; ///< -1: no result there
        double value = 0;
        int candidates = 0; ///< results that share the cell, by differing elsewhere
    };
    QStringList columns;
    QStringList rows;
    std::vector<Cell> cells; ///< row-major

    [[nodiscard]] const Cell& at(qsizetype row, qsizetype column) const {
        return cells[static_cast<std::size_t>(row * columns.size() + column)];
    }
};

/// `down` empty: one row. Results whose figure is not known, or that have neither parameter, are left out, and so are
/// rows and columns without a result.
[[nodiscard]] SweepPivot pivot(const engine::CompareReport& report, const ParameterTable& table, const QString& across,
                               const QString& down, const Figure& figure, ComparisonScope scope);

} // namespace qscope
