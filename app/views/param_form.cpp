// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/param_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStyle>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part); }

int clampedInt(double value) {
    return static_cast<int>(std::clamp(value, static_cast<double>(std::numeric_limits<int>::min()),
                                       static_cast<double>(std::numeric_limits<int>::max())));
}

/// Enough decimals to tell apart steps of a thousandth of the range.
int decimalsFor(const engine::ParamSpec& param) {
    const double range = param.maximum - param.minimum;
    return range > 0 ? std::clamp(3 - static_cast<int>(std::floor(std::log10(range))), 0, 9) : 4;
}

} // namespace

ParamForm::ParamForm(QWidget* parent) : QWidget(parent), m_layout(new QFormLayout(this)) {
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(8);
    m_layout->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    m_layout->setRowWrapPolicy(QFormLayout::WrapLongRows); // in a narrow panel the field goes below its label
}

void ParamForm::clear() { setMethod({}, {}); }

void ParamForm::setMethod(const std::vector<engine::ParamSpec>& table, const engine::MethodSpec& spec) {
    if (spec.id != m_spec.id || table.size() != m_table.size()) {
        while (m_layout->rowCount() > 0) m_layout->removeRow(0);
        m_setters.clear();
        m_table = table;
        for (const auto& param : m_table) m_layout->addRow(text(param.label), makeEditor(param));
    }
    m_spec = spec;
    const auto values = engine::resolveParameters(m_table, spec);
    for (std::size_t i = 0; i < m_table.size(); ++i)
        m_setters[i](values ? values->find(m_table[i].key)->second : m_table[i].defaultValue);
}

QWidget* ParamForm::makeEditor(const engine::ParamSpec& param) {
    QWidget* editor = nullptr;
    const QString suffix = param.unit.empty() ? QString() : QStringLiteral(" ") + text(param.unit);
    switch (param.type) {
    case engine::ParamType::Flag: {
        auto* box = new QCheckBox(this);
        connect(box, &QCheckBox::toggled, this, [this, param](bool on) { store(param, on); });
        m_setters.push_back([box](const engine::ParamValue& value) {
            const QSignalBlocker silent(box);
            box->setChecked(std::get<bool>(value));
        });
        editor = box;
        break;
    }
    case engine::ParamType::Integer: {
        auto* box = new QSpinBox(this);
        box->setRange(clampedInt(param.minimum), clampedInt(param.maximum));
        box->setSuffix(suffix);
        box->setKeyboardTracking(false);
        connect(box, &QSpinBox::valueChanged, this, [this, param](int value) { store(param, std::int64_t{value}); });
        m_setters.push_back([box](const engine::ParamValue& value) {
            const QSignalBlocker silent(box);
            box->setValue(static_cast<int>(std::get<std::int64_t>(value)));
        });
        editor = box;
        break;
    }
    case engine::ParamType::Real: {
        auto* box = new QDoubleSpinBox(this);
        box->setDecimals(decimalsFor(param));
        box->setRange(param.minimum, param.maximum);
        box->setSingleStep((param.maximum - param.minimum) / 100);
        box->setSuffix(suffix);
        box->setKeyboardTracking(false);
        connect(box, &QDoubleSpinBox::valueChanged, this, [this, param](double value) { store(param, value); });
        m_setters.push_back([box](const engine::ParamValue& value) {
            const QSignalBlocker silent(box);
            box->setValue(std::get<double>(value));
        });
        editor = box;
        break;
    }
    case engine::ParamType::Choice: {
        if (param.choices.empty()) {
            auto* line = new QLineEdit(this);
            auto* browse = line->addAction(style()->standardIcon(QStyle::SP_DirOpenIcon), QLineEdit::TrailingPosition);
            browse->setToolTip(tr("Choose a file"));
            connect(line, &QLineEdit::editingFinished, this, [this, param, line] { store(param, line->text().toStdString()); });
            connect(browse, &QAction::triggered, this, [this, param, line] {
                auto* dialog = new QFileDialog(this, text(param.label));
                dialog->setAttribute(Qt::WA_DeleteOnClose);
                dialog->selectFile(line->text());
                connect(dialog, &QFileDialog::fileSelected, line, [this, param, line](const QString& path) {
                    line->setText(path);
                    store(param, path.toStdString());
                });
                dialog->open();
            });
            m_setters.push_back([line](const engine::ParamValue& value) {
                const QSignalBlocker silent(line);
                line->setText(text(std::get<std::string>(value)));
            });
            editor = line;
            break;
        }
        auto* box = new QComboBox(this);
        for (const auto& choice : param.choices) box->addItem(text(choice));
        connect(box, &QComboBox::currentTextChanged, this,
                [this, param](const QString& value) { store(param, value.toStdString()); });
        m_setters.push_back([box](const engine::ParamValue& value) {
            const QSignalBlocker silent(box);
            box->setCurrentText(text(std::get<std::string>(value)));
        });
        editor = box;
        break;
    }
    }
    // Room for a usual number and its unit; a range of many digits must not push the form beyond a narrow panel.
    const bool isNumber = param.type == engine::ParamType::Integer || param.type == engine::ParamType::Real;
    editor->setMinimumWidth(isNumber ? std::max(72, fontMetrics().horizontalAdvance(QStringLiteral("0000") + suffix) + 32) : 72);
    editor->setObjectName(QStringLiteral("param_") + text(param.key));
    editor->setAccessibleName(text(param.label));
    editor->setToolTip(text(param.help));
    return editor;
}

void ParamForm::store(const engine::ParamSpec& param, const engine::ParamValue& value) {
    if (value == param.defaultValue) m_spec.parameters.erase(param.key);
    else m_spec.parameters[param.key] = engine::toText(value);
    emit edited(text(param.key));
}

} // namespace qscope
