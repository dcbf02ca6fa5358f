// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/qasm/parse.h"
#include "engine/quantum/qasm/writer.h"

#include <cstdint>
#include <cstdlib>
#include <set>

namespace {

using namespace qscope;
using namespace qscope::engine;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<int> wiresOf(const Operation& operation) {
    struct Wires {
        std::vector<int> operator()(const GateOp& gate) const { return gate.qubits; }
        std::vector<int> operator()(const MeasureOp& measure) const { return {measure.qubit}; }
        std::vector<int> operator()(const ResetOp& reset) const { return {reset.qubit}; }
        std::vector<int> operator()(const BarrierOp& barrier) const { return barrier.qubits; }
        std::vector<int> operator()(const CallOp& call) const { return call.qubits; }
        std::vector<int> operator()(const ControlOp& control) const { return control.control->qubits; }
    };
    return std::visit(Wires{}, operation.what);
}

void checkExpression(const ClassicalExpression& expression, const Circuit& circuit) {
    int stack = 0;
    for (const ClassicalStep& step : expression.steps) {
        stack += 1 - operandsOf(step.op);
        require(stack >= 1);
        if (step.op == ClassicalOp::Bits)
            require(step.index >= 0 && step.type.width >= 1 && step.type.width <= 64 && step.index + step.type.width <= circuit.clbits);
        if (step.op == ClassicalOp::Variable) require(static_cast<std::size_t>(step.index) < circuit.variables.size());
        if (step.op == ClassicalOp::Input) require(static_cast<std::size_t>(step.index) < circuit.inputs.size());
    }
    require(stack == 1);
    (void)expressionText(expression, circuit);
}

/// Every index of an operation is in range, in bodies too.
void check(const Operation& operation, const Circuit& circuit, std::size_t size) {
    require(operation.span.end <= size);
    const std::vector<int> wires = wiresOf(operation);
    require(std::set<int>(wires.begin(), wires.end()).size() == wires.size());
    for (const int wire : wires) require(wire >= 0 && wire < circuit.qubits);
    if (const auto* measure = std::get_if<MeasureOp>(&operation.what))
        require(measure->clbit >= 0 && measure->clbit < circuit.clbits);
    if (operation.condition) require(static_cast<std::size_t>(operation.condition->creg) < circuit.cregs.size());
    if (const auto* gate = std::get_if<GateOp>(&operation.what); gate && gate->detail) {
        require(gate->detail->expressions.empty() || gate->detail->expressions.size() == gate->parameters.size());
        for (const auto& expression : gate->detail->expressions) checkExpression(expression, circuit);
        require(hasMatrix(*gate));
    }
    if (const auto* call = std::get_if<CallOp>(&operation.what))
        for (const Operation& inner : *call->body) check(inner, circuit, size);
    if (const auto* control = std::get_if<ControlOp>(&operation.what)) {
        const Control& what = *control->control;
        const bool valued = what.kind == Control::Kind::If || what.kind == Control::Kind::While || what.kind == Control::Kind::Assign;
        if (valued) checkExpression(what.value, circuit);
        if (what.kind == Control::Kind::Assign) checkExpression({{what.target}}, circuit);
        for (const auto& body : what.bodies)
            for (const Operation& inner : body) check(inner, circuit, size);
    }
}

} // namespace

/// Either there is a circuit whose every index is in range and that is read again from what is written of it, or a
/// message says why there is none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ReadLimits limits;
    limits.qubits = 2000;
    limits.operations = 20'000;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const ParsedCircuit parsed = parseQasm(text, limits);
    require(parsed.diagnostics.size() <= 100);
    bool failed = false;
    for (const Diagnostic& message : parsed.diagnostics) {
        failed = failed || message.severity == Severity::Error;
        require(message.span.begin <= message.span.end && message.span.end <= size && !message.message.empty());
    }
    require(failed == !parsed.circuit);
    if (!parsed.circuit) return 0;

    const Circuit& circuit = *parsed.circuit;
    require(circuit.qubits > 0 && circuit.qubits <= 2000 && circuit.clbits <= 2000);
    const FlatCircuit flat = flatten(circuit);
    require(flat.operations.size() <= 20'000 && flat.origin.size() == flat.operations.size());
    for (std::size_t i = 0; i < flat.operations.size(); ++i) {
        require(flat.origin[i] < circuit.operations.size() && !std::holds_alternative<CallOp>(flat.operations[i].what));
        check(flat.operations[i], circuit, size);
    }
    require(depth(circuit) <= static_cast<int>(flat.operations.size()));

    const CircuitLayout layout = layoutCircuit(circuit);
    require(layout.operations.size() == circuit.operations.size());
    for (const LaidOutOperation& operation : layout.operations)
        require(operation.column >= 0 && operation.column < layout.columns && operation.lowest >= 0 &&
                operation.highest < circuit.qubits && operation.lowest <= operation.highest);

    for (const auto& written : {toOpenQasm2(circuit), toOpenQasm3(circuit)}) {
        if (!written) continue;
        ReadLimits wider = limits;
        wider.nestingDepth = 1000; // one definition more for each gate within gates
        wider.operations = 200'000;
        require(parseQasm(*written, wider).circuit != nullptr);
    }
    return 0;
}
