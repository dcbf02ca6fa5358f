// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/stabilizer/program.h"

#include "engine/quantum/sim/request_checks.h"

namespace qscope::engine {

Result<std::unique_ptr<CliffordProgram>> makeCliffordProgram(const Circuit& circuit, std::size_t steps) {
    auto result = std::make_unique<CliffordProgram>();
    result->program = makeProgram(circuit, steps);
    result->qubits = circuit.qubits;
    result->clbits = circuit.clbits;
    for (std::size_t i = 0; i < result->program.length; ++i) {
        const Operation& operation = result->program.flat.operations[i];
        if (std::holds_alternative<BarrierOp>(operation.what)) continue;
        CliffordStep step;
        step.terminal = result->program.terminal[i];
        if (operation.condition) step.condition = &*operation.condition;
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            step.gate = result->gates.find(*gate);
            if (!step.gate)
                return fail(ErrorCode::Unsupported,
                            "line {}: gate '{}' is not a Clifford gate; 'statevector' and 'mps' take it",
                            operation.span.line, gate->name);
            step.a = gate->qubits.front();
            step.b = gate->qubits.back();
            ++result->gateCount;
        } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            step.kind = CliffordStep::Kind::Measure;
            step.a = measure->qubit;
            step.clbit = measure->clbit;
            result->measures = true;
        } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
            step.kind = CliffordStep::Kind::Reset;
            step.a = reset->qubit;
        } else {
            return fail(ErrorCode::Unsupported, "line {}: 'stabilizer' does not know this operation",
                        operation.span.line);
        }
        if (step.condition && !(step.gate && step.gate->pauli())) result->framed = false;
        result->steps.push_back(step);
    }
    result->measures = printsBits(result->measures, circuit.cregs);
    return result;
}

} // namespace qscope::engine
