// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/parameter_panel.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QScopedValueRollback>
#include <QSignalBlocker>
#include <QSlider>

#include <cmath>
#include <numbers>

namespace qscope {

namespace {

constexpr int kParts = 48; ///< steps of a slider in pi
constexpr int kMergeBase = 1000;
constexpr int kMostRows = 1000;

int sliderValue(double radians) {
    return static_cast<int>(std::lround(std::clamp(radians / std::numbers::pi, -2.0, 2.0) * kParts));
}

QString nameOf(const engine::Operation& operation) {
    if (const auto* gate = std::get_if<engine::GateOp>(&operation.what)) return QString::fromStdString(gate->name);
    if (const auto* call = std::get_if<engine::CallOp>(&operation.what)) return QString::fromStdString(call->name);
    return {};
}

} // namespace

ParameterPanel::ParameterPanel(ViewContext& context, CircuitText& text, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_text(text)
    , m_layout(new QGridLayout(this))
    , m_title(new QLabel(this)) {
    setAccessibleName(tr("Parameters"));
    m_layout->setContentsMargins(8, 8, 8, 8);
    m_layout->setHorizontalSpacing(8);
    m_layout->setVerticalSpacing(4);
    m_layout->setColumnStretch(1, 1);
    m_layout->setRowStretch(kMostRows, 1); // room that is left stays below
    m_layout->addWidget(m_title, 0, 0, 1, 3);
    connect(&text, &CircuitText::checked, this, &ParameterPanel::refresh);
    connect(&text, &CircuitText::inputsChanged, this, &ParameterPanel::refresh);
    connect(&text, &CircuitText::edited, this, [this] {
        if (!m_own) setEnabled(false); // until the text is read again, nobody knows where the numbers are
    });
    connect(&context, &ViewContext::selectionChanged, this, &ParameterPanel::refresh);
    connect(&context, &ViewContext::circuitChanged, this, &ParameterPanel::refresh);
    refresh();
}

void ParameterPanel::makeRow(const QString& key, const QString& label, const QString& tip, bool whole, bool input) {
    const std::size_t index = m_rows.size();
    Row row{key, nullptr, new QDoubleSpinBox(this), 0, 0, input};
    auto* name = new QLabel(label, this);
    name->setToolTip(tip);
    const int line = static_cast<int>(index) + 1;
    m_layout->addWidget(name, line, 0);
    row.box->setObjectName(QStringLiteral("value_") + key);
    row.box->setAccessibleName(label);
    row.box->setToolTip(tip);
    row.box->setKeyboardTracking(false);
    row.box->setRange(-1e9, 1e9);
    row.box->setDecimals(whole ? 0 : 6);
    row.box->setSingleStep(whole ? 1 : std::numbers::pi / kParts);
    row.box->setMaximumWidth(112);
    m_layout->addWidget(row.box, line, 2);
    connect(row.box, &QDoubleSpinBox::valueChanged, this, [this, index](double value) { change(index, value); });
    if (!whole) {
        row.slider = new QSlider(Qt::Horizontal, this);
        row.slider->setObjectName(QStringLiteral("slider_") + key);
        row.slider->setAccessibleName(label);
        row.slider->setToolTip(tr("%1\nFrom −2π to 2π in steps of π/48").arg(tip));
        row.slider->setRange(-2 * kParts, 2 * kParts);
        row.slider->setPageStep(kParts / 4);
        m_layout->addWidget(row.slider, line, 1);
        connect(row.slider, &QSlider::valueChanged, this,
                [this, index](int value) { change(index, value * std::numbers::pi / kParts); });
    }
    m_rows.push_back(row);
}

void ParameterPanel::setValue(const Row& row, double value) {
    const QSignalBlocker quietBox(row.box);
    row.box->setValue(value);
    if (!row.slider) return;
    const QSignalBlocker quietSlider(row.slider);
    row.slider->setValue(sliderValue(value));
}

void ParameterPanel::change(std::size_t index, double value) {
    Row& row = m_rows[index];
    const QScopedValueRollback own(m_own, true);
    setValue(row, value);
    if (row.input) return m_text.setInput(row.key.mid(6), value); // behind "input_"
    const QString written = QString::fromStdString(engine::writtenAngle(value));
    const int longer = static_cast<int>(written.size()) - (row.end - row.begin);
    m_text.replace(row.begin, row.end - row.begin, written, tr("Change angle"), kMergeBase + static_cast<int>(index));
    for (auto& other : m_rows)
        if (!other.input && other.begin > row.begin) other.begin += longer, other.end += longer;
    row.end += longer;
    m_text.parseSoon();
}

void ParameterPanel::refresh() {
    const auto opened = m_context.circuit();
    const auto circuit = opened ? opened->circuit : nullptr;
    if (m_own || (circuit && !m_text.inStep() && !m_text.hasErrors())) return; // comes again when the text is read
    setEnabled(true);
    std::vector<engine::LiteralAngle> angles;
    const auto step = m_context.selection().step;
    const bool selected = circuit && step > 0 && static_cast<std::size_t>(step) <= circuit->operations.size() &&
                          m_text.inStep() && opened->text == m_text.text();
    const auto operation = static_cast<std::size_t>(step - 1);
    if (selected) angles = engine::literalAngles(m_text.text().toStdString(), *circuit, operation);
    QStringList keys;
    if (circuit)
        for (const auto& input : circuit->inputs) keys << QStringLiteral("input_") + QString::fromStdString(input.name);
    for (const auto& angle : angles) keys << QStringLiteral("angle_%1_%2").arg(step).arg(angle.index);
    if (keys != m_keys) {
        m_keys = keys;
        m_rows.clear();
        while (auto* item = m_layout->takeAt(1)) {
            delete item->widget();
            delete item;
        }
        if (circuit)
            for (const auto& input : circuit->inputs)
                makeRow(QStringLiteral("input_") + QString::fromStdString(input.name),
                        QString::fromStdString(input.name), tr("Input of the circuit, line %1").arg(input.span.line),
                        input.type.kind != engine::ScalarKind::Float && input.type.kind != engine::ScalarKind::Angle,
                        true);
        for (const auto& angle : angles)
            makeRow(QStringLiteral("angle_%1_%2").arg(step).arg(angle.index),
                    tr("%1, angle %2").arg(nameOf(circuit->operations[operation])).arg(angle.index + 1),
                    tr("Of the selected gate, line %1: written into the text")
                        .arg(circuit->operations[operation].span.line),
                    false, false);
    }
    m_title->setText(angles.empty() ? tr("Inputs") : tr("Inputs and angles"));
    if (circuit && circuit->inputs.empty()) m_title->setText(tr("Angles of the selected gate"));
    std::size_t at = 0;
    if (circuit)
        for (const auto& input : circuit->inputs)
            setValue(m_rows[at++], m_text.inputs().value(QString::fromStdString(input.name)));
    for (const auto& angle : angles) {
        auto& row = m_rows[at++];
        row.begin = unitsBefore(m_text.text(), angle.begin);
        row.end = unitsBefore(m_text.text(), angle.end);
        if (std::abs(row.box->value() - angle.value) > 5e-7)
            setValue(row, angle.value); // the box rounds
        else
            setValue(row, row.box->value());
    }
    setVisible(!keys.isEmpty());
}

} // namespace qscope
