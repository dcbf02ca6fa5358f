// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/state_page.h"

#include "engine/quantum/conventions.h"
#include "plugins/sdk/format.h"

namespace qscope {

StatePage::StatePage(ViewContext& context, const QString& title, const QString& what, QWidget* parent)
    : ViewPage(context, title, parent)
    , m_title(title)
    , m_what(what) {
    connect(&context, &ViewContext::circuitChanged, this, [this] {
        m_hasPicture = false;
        invalidate();
    });
    connect(&context, &ViewContext::simulationChanged, this, [this] { invalidate(); });
}

QString StatePage::moment() const {
    const auto opened = context().circuit();
    if (!opened || !opened->circuit) return {};
    const auto total = static_cast<std::int64_t>(opened->circuit->operations.size());
    const auto step = context().selection().step;
    return step < 0 || step >= total ? tr("final state")
                                     : tr("after %1 of %2 operations").arg(formatInteger(step), formatInteger(total));
}

void StatePage::refresh() {
    const auto opened = context().circuit();
    if (!opened)
        return showEmpty(tr("Open a circuit to see %1.").arg(m_what), tr("Open circuit…"),
                         [this] { context().request(WindowRequest::OpenCircuit); });
    if (!opened->circuit)
        return showEmpty(tr("The circuit has errors, so it has no state. The circuit view lists them."));
    const QString problem = context().simulationProblem();
    if (!problem.isEmpty()) return showEmpty(problem);
    const auto simulation = context().simulation();
    if (!simulation) { // it is being computed: the last picture stays until `simulationChanged` brings the next
        if (!m_hasPicture) showEmpty(tr("Simulating the circuit…"));
        return;
    }
    header().setSubject(moment());
    showState(*simulation);
}

void StatePage::showPicture() {
    m_hasPicture = true;
    showBody();
}

QString ket(std::uint64_t index, int qubits) {
    return QStringLiteral("|%1⟩").arg(QString::fromStdString(engine::bitString(index, qubits)));
}

} // namespace qscope
