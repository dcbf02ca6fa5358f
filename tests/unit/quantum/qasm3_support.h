// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/unit/quantum/support.h"

#include <cmath>

namespace qscope::test {

inline const std::string kHead3 = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

/// The circuit of an OpenQASM 3 text that must be right; the two lines of the header are added.
inline std::shared_ptr<const engine::Circuit> circuitOf3(const std::string& body) {
    const auto parsed = engine::parseQasm(kHead3 + body);
    for (const Diagnostic& message : parsed.diagnostics)
        UNSCOPED_INFO("line " << message.span.line << ": " << message.message);
    REQUIRE(parsed.circuit);
    return parsed.circuit;
}

/// The first error of a text that must be wrong.
inline Diagnostic firstError(const std::string& text) {
    const auto parsed = engine::parseQasm(text);
    CHECK_FALSE(parsed.circuit);
    for (const Diagnostic& message : parsed.diagnostics)
        if (message.severity == Severity::Error) return message;
    FAIL("no error");
    return {};
}

void describe(const std::vector<engine::Operation>& operations, const engine::Circuit& circuit, std::string& into);

/// One operation as a line that two circuits share exactly when they do the same with it; calls are opened.
inline void describe(const engine::Operation& operation, const engine::Circuit& circuit, std::string& into) {
    using namespace engine;
    if (const auto* call = std::get_if<CallOp>(&operation.what)) {
        for (Operation inner : *call->body) {
            inner.condition = operation.condition;
            describe(inner, circuit, into);
        }
        return;
    }
    if (operation.condition) into += fmt::format("if {} {} ", operation.condition->creg, operation.condition->value);
    const auto list = [&](const std::vector<int>& qubits) {
        for (const int qubit : qubits) into += fmt::format(" {}", qubit);
    };
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
        // The name of a gate that modifiers made of the circuit's own gates may change; its matrix may not.
        into += gate->detail && gate->detail->body ? "modified" : gate->name;
        for (std::size_t i = 0; i < gate->parameters.size(); ++i)
            into += std::isnan(gate->parameters[i]) ? " " + expressionText(gate->detail->expressions[i], circuit)
                                                    : fmt::format(" {}", gate->parameters[i] + 0.0); // -0 is 0
        list(gate->qubits);
        if (gate->detail)
            for (const auto& entry : gate->detail->entries) into += fmt::format(" {:.9f},{:.9f}", entry.real() + 0.0, entry.imag() + 0.0);
    } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
        into += fmt::format("measure {} {}", measure->qubit, measure->clbit);
    } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
        into += fmt::format("reset {}", reset->qubit);
    } else if (const auto* barrier = std::get_if<BarrierOp>(&operation.what)) {
        into += "barrier";
        list(barrier->qubits);
    } else {
        const auto& control = *std::get<ControlOp>(operation.what).control;
        into += fmt::format("control {} {} = {}", static_cast<int>(control.kind),
                            control.kind == Control::Kind::Assign ? expressionText({{control.target}}, circuit) : "",
                            expressionText(control.value, circuit));
        for (const auto& body : control.bodies) {
            into += " {\n";
            describe(body, circuit, into);
            into += "}";
        }
    }
    into += '\n';
}

inline void describe(const std::vector<engine::Operation>& operations, const engine::Circuit& circuit, std::string& into) {
    for (const auto& operation : operations) describe(operation, circuit, into);
}

inline std::string described(const engine::Circuit& circuit) {
    std::string text;
    describe(circuit.operations, circuit, text);
    return text;
}

} // namespace qscope::test
