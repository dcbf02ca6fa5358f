// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/sweep_pivot.h"

#include <QObject>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part); }
QString missing() { return QStringLiteral("–"); }
const QString kMethod = QStringLiteral("method");

/// Numbers ascending, then words in the order given, then "–".
void arrange(QStringList& values) {
    const auto rank = [](const QString& value) {
        bool isNumber = false;
        (void)value.toDouble(&isNumber);
        return value == missing() ? 2 : isNumber ? 0 : 1;
    };
    std::stable_sort(values.begin(), values.end(), [&](const QString& a, const QString& b) {
        const int left = rank(a), right = rank(b);
        return left != right ? left < right : left == 0 && a.toDouble() < b.toDouble();
    });
}

} // namespace

ParameterTable::ParameterTable(const engine::CompareReport& report, const engine::Registries* registries) {
    std::vector<VariedParameter> all{{kMethod, QObject::tr("Method"), {}}};
    std::map<std::string, std::shared_ptr<const engine::QuantMethod>> known;
    for (const engine::MethodResult& result : report.methods) {
        std::map<QString, QString> values{{kMethod, text(result.spec.id)}};
        auto [entry, isNew] = known.try_emplace(result.spec.id);
        if (isNew && registries) entry->second = engine::findMethod(*registries, result.spec.id).value_or(nullptr);
        if (entry->second)
            for (const engine::ParamSpec& param : entry->second->info().parameters) {
                values[text(param.key)] = text(engine::toText(param.defaultValue));
                if (std::ranges::find(all, text(param.key), &VariedParameter::key) == all.end())
                    all.push_back({text(param.key), text(param.label), {}});
            }
        for (const auto& [key, value] : result.spec.parameters) {
            values[text(key)] = text(value);
            if (std::ranges::find(all, text(key), &VariedParameter::key) == all.end())
                all.push_back({text(key), text(key), {}});
        }
        m_values.push_back(std::move(values));
    }
    for (VariedParameter& parameter : all) {
        for (std::size_t i = 0; i < m_values.size(); ++i)
            if (const QString value = valueOf(i, parameter.key); !parameter.values.contains(value))
                parameter.values << value;
        // One value and "not there" is the choice of the method, said by the method.
        const auto real = parameter.values.size() - (parameter.values.contains(missing()) ? 1 : 0);
        if (real < 2) continue;
        arrange(parameter.values);
        m_varied.push_back(std::move(parameter));
    }
}

const VariedParameter* ParameterTable::find(const QString& key) const {
    const auto found = std::ranges::find(m_varied, key, &VariedParameter::key);
    return found == m_varied.end() ? nullptr : &*found;
}

QString ParameterTable::valueOf(std::size_t method, const QString& key) const {
    const auto found = m_values[method].find(key);
    return found == m_values[method].end() ? missing() : found->second;
}

SweepPivot pivot(const engine::CompareReport& report, const ParameterTable& table, const QString& across,
                 const QString& down, const Figure& figure, ComparisonScope scope) {
    SweepPivot pivot;
    // What has neither parameter is no part of the picture, such as a pinned result of another method.
    const auto takesPart = [&](std::size_t i) {
        return !std::isnan(valueOf(figure, report.methods[i], scope)) &&
               (table.valueOf(i, across) != missing() || (!down.isEmpty() && table.valueOf(i, down) != missing()));
    };
    const auto present = [&](const QString& key) {
        QStringList values;
        if (const auto* parameter = table.find(key))
            for (const QString& value : parameter->values)
                for (std::size_t i = 0; i < report.methods.size(); ++i)
                    if (takesPart(i) && table.valueOf(i, key) == value) {
                        values << value;
                        break;
                    }
        return values;
    };
    pivot.columns = present(across);
    pivot.rows = down.isEmpty() ? QStringList{QString()} : present(down);
    pivot.cells.resize(static_cast<std::size_t>(pivot.columns.size() * pivot.rows.size()));
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        if (!takesPart(i)) continue;
        const double value = valueOf(figure, report.methods[i], scope);
        const auto column = pivot.columns.indexOf(table.valueOf(i, across));
        const auto row = down.isEmpty() ? 0 : pivot.rows.indexOf(table.valueOf(i, down));
        if (column < 0 || row < 0) continue;
        SweepPivot::Cell& cell = pivot.cells[static_cast<std::size_t>(row * pivot.columns.size() + column)];
        ++cell.candidates;
        if (cell.method >= 0 && value * betterWay(figure) <= cell.value * betterWay(figure)) continue;
        cell.method = static_cast<int>(i);
        cell.value = value;
    }
    return pivot;
}

} // namespace qscope
