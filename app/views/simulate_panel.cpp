// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/simulate_panel.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/panel.h"

#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QStackedWidget>
#include <QTableWidget>
#include <QToolButton>
#include <QVBoxLayout>

namespace qscope {

namespace {
constexpr int kMaxShots = 10'000'000;
constexpr std::int64_t kAll = std::int64_t{1} << 40; ///< more operations than any circuit has
} // namespace

SimulatePanel::SimulatePanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_stack(new QStackedWidget(this)),
      m_empty(new EmptyState(workspace, this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    m_empty->setContent(tr("Open a circuit to step through its gates and see the state after each."), tr("Open a circuit…"),
                        [this] { m_workspace.request(WindowRequest::OpenCircuit); });
    m_stack->addWidget(m_empty);
    m_stack->addWidget(makeBody());
    connect(&workspace, &ViewContext::circuitChanged, this, &SimulatePanel::refresh);
    connect(&workspace, &ViewContext::simulationChanged, this, &SimulatePanel::refreshResult);
    connect(&workspace, &ViewContext::selectionChanged, this, &SimulatePanel::refresh);
    connect(&workspace, &ViewContext::themeChanged, this, &SimulatePanel::refresh);
    refresh();
}

QWidget* SimulatePanel::makeBody() {
    auto* body = new QWidget(this);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(8, 8, 8, 8);
    column->setSpacing(8);
    column->addWidget(makeStepRow());
    auto* form = new QFormLayout;
    form->setSpacing(8);
    m_precision = new QComboBox(body);
    m_precision->addItems({tr("Double"), tr("Single")});
    m_precision->setToolTip(tr("Width of the amplitudes: 16 or 8 bytes each"));
    m_shots = new QSpinBox(body);
    m_shots->setRange(0, kMaxShots);
    m_shots->setGroupSeparatorShown(true);
    m_shots->setKeyboardTracking(false);
    m_shots->setSpecialValueText(tr("None"));
    m_shots->setToolTip(tr("How often the final state is measured; counts show in the Counts view"));
    m_seed = new QSpinBox(body);
    m_seed->setRange(0, std::numeric_limits<int>::max());
    m_seed->setKeyboardTracking(false);
    m_seed->setToolTip(tr("The same seed draws the same measurements"));
    m_observables = new QLineEdit(body);
    m_observables->setPlaceholderText(tr("ZZI, Z0 Z2"));
    m_observables->setToolTip(tr("Pauli strings, separated by commas: one letter per qubit with qubit 0 rightmost, or letters with their qubits"));
    form->addRow(tr("Precision"), m_precision);
    form->addRow(tr("Shots"), m_shots);
    form->addRow(tr("Seed"), m_seed);
    form->addRow(tr("Observables"), m_observables);
    m_precision->setAccessibleName(tr("Precision"));
    m_shots->setAccessibleName(tr("Shots"));
    m_seed->setAccessibleName(tr("Seed"));
    m_observables->setAccessibleName(tr("Observables"));
    const auto& options = m_workspace.simulationFollower().options();
    m_precision->setCurrentIndex(options.precision == engine::Precision::Single ? 1 : 0);
    m_shots->setValue(static_cast<int>(options.shots));
    m_seed->setValue(static_cast<int>(options.seed));
    connect(m_precision, &QComboBox::activated, this, &SimulatePanel::store);
    connect(m_shots, &QSpinBox::valueChanged, this, &SimulatePanel::store);
    connect(m_seed, &QSpinBox::valueChanged, this, &SimulatePanel::store);
    connect(m_observables, &QLineEdit::editingFinished, this, &SimulatePanel::store);
    column->addLayout(form);
    m_problem = new QLabel(body);
    m_problem->setObjectName(QStringLiteral("simulationProblem"));
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(m_problem);
    m_facts = new QTableWidget(0, 2, body);
    m_facts->setObjectName(QStringLiteral("simulationFacts"));
    m_facts->setAccessibleName(tr("Result of the simulation"));
    m_facts->horizontalHeader()->hide();
    m_facts->verticalHeader()->hide();
    m_facts->verticalHeader()->setDefaultSectionSize(24);
    m_facts->horizontalHeader()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_facts->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Stretch);
    m_facts->setShowGrid(false);
    m_facts->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_facts->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_facts->setFont(Theme::figures());
    column->addWidget(m_facts, 1);
    return body;
}

QWidget* SimulatePanel::makeStepRow() {
    auto* row = new QWidget(this);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    m_position = new QLabel(row);
    m_position->setObjectName(QStringLiteral("stepPosition"));
    layout->addWidget(m_position, 1);
    const auto button = [&](const QString& text, const QString& name, std::int64_t by) {
        auto* tool = new QToolButton(row);
        tool->setText(text);
        tool->setToolTip(name);
        tool->setAccessibleName(name);
        tool->setAutoRaise(true);
        connect(tool, &QToolButton::clicked, this, [this, by] { step(by); });
        layout->addWidget(tool);
        m_stepButtons.push_back(tool);
    };
    button(QStringLiteral("|◀"), tr("To the start"), -kAll);
    button(QStringLiteral("◀"), tr("One operation back"), -1);
    button(QStringLiteral("▶"), tr("One operation forward"), 1);
    button(QStringLiteral("▶|"), tr("To the end"), kAll);
    return row;
}

void SimulatePanel::step(std::int64_t by) {
    const auto open = m_workspace.circuit();
    if (!open || !open->circuit) return;
    const auto count = static_cast<std::int64_t>(open->circuit->operations.size());
    Selection selection = m_workspace.selection();
    const auto from = selection.step < 0 ? count : selection.step;
    selection.step = std::clamp<std::int64_t>(from + by, 0, count);
    m_workspace.select(selection);
}

void SimulatePanel::store() {
    auto options = m_workspace.simulationFollower().options();
    options.precision = m_precision->currentIndex() == 1 ? engine::Precision::Single : engine::Precision::Double;
    options.shots = m_shots->value();
    options.seed = static_cast<std::uint64_t>(m_seed->value());
    options.observables.clear();
    for (const auto& part : m_observables->text().split(QLatin1Char(','), Qt::SkipEmptyParts))
        options.observables.push_back(part.trimmed().toStdString());
    m_workspace.simulationFollower().setOptions(options);
}

void SimulatePanel::refresh() {
    const auto open = m_workspace.circuit();
    const bool usable = open && open->circuit;
    m_stack->setCurrentIndex(usable ? 1 : 0);
    if (!usable) return;
    const auto count = static_cast<std::int64_t>(open->circuit->operations.size());
    const auto step = m_workspace.selection().step < 0 ? count : m_workspace.selection().step;
    m_position->setText(tr("After %1 of %2 operations").arg(formatInteger(step), formatInteger(count)));
    for (std::size_t i = 0; i < m_stepButtons.size(); ++i) m_stepButtons[i]->setEnabled(i < 2 ? step > 0 : step < count);
    refreshResult();
}

void SimulatePanel::refreshResult() {
    const QString problem = m_workspace.simulationProblem();
    QPalette bad = palette();
    bad.setColor(QPalette::WindowText, m_workspace.theme().color(Role::Bad));
    m_problem->setPalette(bad);
    m_problem->setText(problem.isEmpty() ? QString() : tr("No state: %1").arg(problem));
    m_problem->setVisible(!problem.isEmpty());
    const auto result = m_workspace.simulation();
    if (!result) {
        if (!problem.isEmpty()) m_facts->setRowCount(0);
        return; // still running: the last numbers stay until the new ones are there
    }
    std::vector<std::pair<QString, QString>> facts{
        {tr("Simulator"), QString::fromStdString(result->method)},
        {tr("Device"), QString::fromStdString(result->device)},
        {tr("Qubits"), formatInteger(result->qubits)},
        {tr("Gates"), formatInteger(result->gates)},
        {tr("Gates after fusion"), formatInteger(result->fusedGates)},
        {tr("Time"), formatDuration(result->seconds)},
        {tr("Norm"), formatNumber(result->norm, 12)}};
    for (const auto& value : result->expectations)
        facts.emplace_back(QStringLiteral("⟨%1⟩").arg(QString::fromStdString(value.observable)), formatNumber(value.value, 6));
    m_facts->setRowCount(static_cast<int>(facts.size()));
    for (int row = 0; row < m_facts->rowCount(); ++row) {
        const auto& [name, value] = facts[static_cast<std::size_t>(row)];
        auto* label = new QTableWidgetItem(name);
        label->setForeground(m_workspace.theme().color(Role::Muted));
        auto* number = new QTableWidgetItem(value);
        number->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        number->setToolTip(value);
        m_facts->setItem(row, 0, label);
        m_facts->setItem(row, 1, number);
    }
}

} // namespace qscope
