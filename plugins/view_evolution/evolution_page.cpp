// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_evolution/evolution_page.h"

namespace qscope {

namespace {

QString withQubits(const std::string& name, const std::vector<int>& qubits) {
    QStringList names;
    for (const int qubit : qubits.size() > 8 ? std::vector<int>(qubits.begin(), qubits.begin() + 8) : qubits)
        names << QStringLiteral("q%1").arg(qubit);
    if (qubits.size() > 8) names << QStringLiteral("…");
    return QString::fromStdString(name) + QLatin1Char(' ') + names.join(QStringLiteral(", "));
}

} // namespace

QString textOf(const engine::Operation& operation) {
    if (const auto* gate = std::get_if<engine::GateOp>(&operation.what)) return withQubits(gate->name, gate->qubits);
    if (const auto* call = std::get_if<engine::CallOp>(&operation.what)) return withQubits(call->name, call->qubits);
    if (const auto* measure = std::get_if<engine::MeasureOp>(&operation.what))
        return withQubits("measure", {measure->qubit});
    if (const auto* reset = std::get_if<engine::ResetOp>(&operation.what)) return withQubits("reset", {reset->qubit});
    if (const auto* barrier = std::get_if<engine::BarrierOp>(&operation.what))
        return withQubits("barrier", barrier->qubits);
    return QString::fromStdString(std::get<engine::ControlOp>(operation.what).control->label);
}

EvolutionPage::EvolutionPage(ViewContext& context, const QString& title, const QString& what, QWidget* parent)
    : ViewPage(context, title, parent)
    , m_what(what) {
    connect(&context, &ViewContext::circuitChanged, this, [this] { invalidate(); });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (before.step != now.step || before.qubit != now.qubit) followSelection();
    });
}

void EvolutionPage::refresh() {
    const auto opened = context().circuit();
    header().setSubject({});
    if (!opened)
        return showEmpty(tr("Open a circuit to see %1.").arg(m_what), tr("Open circuit…"),
                         [this] { context().request(WindowRequest::OpenCircuit); });
    if (!opened->circuit)
        return showEmpty(tr("The circuit has errors, so it cannot run. The circuit view lists them."));
    showCircuit(opened->circuit);
}

std::int64_t EvolutionPage::step() const {
    const auto opened = context().circuit();
    const auto total = opened && opened->circuit ? static_cast<std::int64_t>(opened->circuit->operations.size()) : 0;
    const auto chosen = context().selection().step;
    return chosen < 0 ? total : std::min(chosen, total);
}

void EvolutionPage::selectStep(std::int64_t step) {
    Selection selection = context().selection();
    selection.step = step;
    context().select(selection);
}

QString EvolutionPage::operationText(std::size_t operation) const {
    const auto opened = context().circuit();
    if (!opened || !opened->circuit || operation >= opened->circuit->operations.size()) return {};
    return textOf(opened->circuit->operations[operation]);
}

} // namespace qscope
