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
    const auto spread = [&](std::vector<int> qubits, const auto& bitsAcross) {
        std::ranges::sort(qubits);
        for (std::size_t k = 0; k + 1 < qubits.size(); ++k) {
            const double bits = bitsAcross(static_cast<int>(k) + 1);
            changes[static_cast<std::size_t>(qubits[k])] += bits;
            changes[static_cast<std::size_t>(qubits[k + 1])] -= bits;
        }
    };
    const auto count = [&](const auto& self, const Operation& operation, bool terminal, bool decided) -> void {
        survey.conditions += operation.condition.has_value();
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            ++survey.gates;
            survey.twoQubitGates += gate->qubits.size() == 2;
            survey.largerGates += gate->qubits.size() > 2;
            clifford += table.find(*gate) != nullptr;
            if (!decided) spread(gate->qubits, [&](int left) { return schmidtBits(*gate, left); });
        } else if (const auto* call = std::get_if<CallOp>(&operation.what)) { // within a body
            for (const Operation& inner : *call->body) self(self, inner, false, decided);
        } else if (const auto* control = std::get_if<ControlOp>(&operation.what)) {
            ++survey.decisions;
            for (const auto& body : control->control->bodies)
                for (const Operation& inner : body) self(self, inner, false, true);
            // However often it turns, it does something to its qubits.
            const int touched = static_cast<int>(control->control->qubits.size());
            if (!decided)
                spread(control->control->qubits, [&](int left) { return 2.0 * std::min(left, touched - left); });
        } else {
            survey.events += !std::holds_alternative<BarrierOp>(operation.what) && !terminal;
        }
    };
    for (std::size_t i = 0; i < program.length; ++i)
        count(count, program.flat.operations[i], program.terminal[i], false);
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
