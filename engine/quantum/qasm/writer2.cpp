// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/writer.h"
#include "engine/quantum/qasm/writer_names.h"

#include <cmath>

namespace qscope::engine {

namespace {

using qasm::writtenParameters;

tl::unexpected<Error> refused(const Operation& operation, const std::string& what) {
    return fail(ErrorCode::Unsupported, "line {}: OpenQASM 2 has no {}", operation.span.line, what);
}

class Writer {
public:
    explicit Writer(const Circuit& circuit)
        : m_circuit(circuit), m_names(circuit, 2),
          m_gates(m_names, [this](const Operation& operation, const auto& naming) { return line(operation, naming); }) {}

    Result<std::string> write() {
        for (const InputParameter& input : m_circuit.inputs)
            return fail(ErrorCode::Unsupported, "line {}: OpenQASM 2 has no inputs, such as '{}'", input.span.line, input.name);
        std::string body;
        for (const Operation& operation : m_circuit.operations) {
            QSCOPE_TRY(const std::string text, line(operation, [this](int qubit) { return m_names.qubit(qubit); }));
            if (operation.condition)
                body += fmt::format("if({}=={}) ", m_names.circuit().cregs[static_cast<std::size_t>(operation.condition->creg)].name,
                                    operation.condition->value);
            body += text + "\n";
        }
        std::string head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n";
        for (const auto& [name, declaration] : m_opaque) head += declaration;
        head += m_gates.text();
        for (const Register& reg : m_names.circuit().qregs) head += fmt::format("qreg {}[{}];\n", reg.name, reg.size);
        for (const Register& reg : m_names.circuit().cregs) head += fmt::format("creg {}[{}];\n", reg.name, reg.size);
        return head + body;
    }

private:
    using Naming = qasm::WrittenGates::Naming;

    Result<std::string> line(const Operation& operation, const Naming& naming) {
        const auto operands = [&](const std::vector<int>& qubits) {
            std::string text;
            for (const int qubit : qubits) text += (text.empty() ? " " : ",") + naming(qubit);
            return text + ";";
        };
        if (const auto* control = std::get_if<ControlOp>(&operation.what))
            return refused(operation, fmt::format("control flow such as '{}'", control->control->label));
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what))
            return fmt::format("measure {} -> {};", naming(measure->qubit), m_names.bit(measure->clbit));
        if (const auto* reset = std::get_if<ResetOp>(&operation.what)) return fmt::format("reset {};", naming(reset->qubit));
        if (const auto* barrier = std::get_if<BarrierOp>(&operation.what)) return "barrier" + operands(barrier->qubits);
        if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            QSCOPE_TRY(const std::string name, m_gates.define(call->name, call->parameters.size(), call->qubits, *call->body));
            return name + writtenParameters(call->parameters) + operands(call->qubits);
        }
        const auto& gate = std::get<GateOp>(operation.what);
        if (gate.detail && !gate.detail->expressions.empty())
            return refused(operation, fmt::format("parameters that come later, as in '{}'", gate.name));
        if (gate.detail) return refused(operation, fmt::format("gate '{}'", gate.name));
        const GateInfo* info = findGate(gate.name);
        const bool table = info && static_cast<std::size_t>(info->parameters) == gate.parameters.size() &&
                           static_cast<std::size_t>(info->qubits) == gate.qubits.size();
        if (!table || info->set == GateSet::Extra) declareOpaque(gate);
        return gate.name + writtenParameters(gate.parameters) + operands(gate.qubits);
    }

    void declareOpaque(const GateOp& gate) {
        std::string text = "opaque " + gate.name;
        for (std::size_t i = 0; i < gate.parameters.size(); ++i) text += fmt::format("{}p{}", i == 0 ? "(" : ",", i);
        if (!gate.parameters.empty()) text += ')';
        for (std::size_t i = 0; i < gate.qubits.size(); ++i) text += fmt::format("{}q{}", i == 0 ? " " : ",", i);
        m_opaque.emplace(gate.name, text + ";\n");
    }

    const Circuit& m_circuit;
    qasm::WrittenNames m_names;
    qasm::WrittenGates m_gates;
    std::map<std::string, std::string> m_opaque;
};

} // namespace

Result<std::string> toOpenQasm2(const Circuit& circuit) { return Writer(circuit).write(); }

} // namespace qscope::engine
