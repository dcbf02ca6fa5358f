// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/parameters.h"

#include <QWidget>

#include <functional>

class QFormLayout;

namespace qscope {

/// A form made from a method's parameter table. Only values that differ from their defaults are written to the spec, so that
/// the text form stays short.
class ParamForm : public QWidget {
    Q_OBJECT
public:
    explicit ParamForm(QWidget* parent = nullptr);

    /// Shows `spec`, whose parameters are those of `table`. No signal.
    void setMethod(const std::vector<engine::ParamSpec>& table, const engine::MethodSpec& spec);
    void clear();
    [[nodiscard]] const engine::MethodSpec& spec() const { return m_spec; }

signals:
    /// The user changed the parameter `key`.
    void edited(const QString& key);

private:
    QWidget* makeEditor(const engine::ParamSpec& param);
    void store(const engine::ParamSpec& param, const engine::ParamValue& value);

    QFormLayout* m_layout;
    std::vector<engine::ParamSpec> m_table;
    std::vector<std::function<void(const engine::ParamValue&)>> m_setters; ///< one per row of the table
    engine::MethodSpec m_spec;
};

} // namespace qscope
