// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/planner/survey.h"

#include "engine/quantum/sim/entangling.h"
#include "engine/quantum/sim/trajectory.h"
#include "engine/quantum/stabilizer/clifford.h"

#include <algorithm>

namespace qscope::engine {

CircuitSurvey surveyCircuit(const Circuit& circuit, std::size_t steps) {
    const Program program = makeProgram(circuit, steps);
    CircuitSurvey survey;
    survey.qubits = circuit.qubits;
    CliffordTable table;
    std::int64_t clifford = 0;
    std::vector<double> changes(static_cast<std::size_t>(circuit.qubits) +
                                1); // changes of the sum from one cut to the next
    for (std::size_t i = 0; i < program.length; ++i) {
        const Operation& operation = program.flat.operations[i];
        survey.conditions += operation.condition.has_value();
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate) {
            survey.events += !std::holds_alternative<BarrierOp>(operation.what) && !program.terminal[i];
            continue;
        }
        ++survey.gates;
        survey.twoQubitGates += gate->qubits.size() == 2;
        survey.largerGates += gate->qubits.size() > 2;
        clifford += table.find(*gate) != nullptr;
        auto sorted = gate->qubits;
        std::ranges::sort(sorted);
        for (std::size_t k = 0; k + 1 < sorted.size(); ++k) {
            const double bits = schmidtBits(*gate, static_cast<int>(k) + 1);
            changes[static_cast<std::size_t>(sorted[k])] += bits;
            changes[static_cast<std::size_t>(sorted[k + 1])] -= bits;
        }
    }
    if (survey.gates > 0) survey.cliffordFraction = static_cast<double>(clifford) / static_cast<double>(survey.gates);
    double across = 0;
    for (int cut = 1; cut < circuit.qubits; ++cut) {
        across += changes[static_cast<std::size_t>(cut) - 1];
        survey.entanglementBits =
            std::max(survey.entanglementBits, std::min<double>(across, std::min(cut, circuit.qubits - cut)));
    }
    return survey;
}

} // namespace qscope::engine
