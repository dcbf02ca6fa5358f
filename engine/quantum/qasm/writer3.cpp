// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/writer.h"
#include "engine/quantum/qasm/writer_names.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

using qasm::writtenParameters;

struct Definition {
    std::string_view name;
    std::string_view text;
};
/// Gates of the table that "stdgates.inc" lacks, exact including the phase (quantum_conventions.md, 3.1 and 5).
constexpr Definition kDefinitions[] = {
    {"u0", "(g) a { id a; }"},
    {"u", "(t, f, l) a { gphase(-t/2); U(t, f, l) a; }"},
    {"sxdg", " a { inv @ sx a; }"},
    {"csx", " a, b { ctrl @ sx a, b; }"},
    {"cu1", "(l) a, b { cp(l) a, b; }"},
    {"cu3", "(t, f, l) a, b { cu(t, f, l, 0) a, b; }"},
    {"rxx", "(t) a, b { h a; h b; cx a, b; rz(t) b; cx a, b; h a; h b; }"},
    {"ryy", "(t) a, b { rx(pi/2) a; rx(pi/2) b; cx a, b; rz(t) b; cx a, b; rx(-pi/2) a; rx(-pi/2) b; }"},
    {"rzz", "(t) a, b { cx a, b; rz(t) b; cx a, b; }"},
    {"rzx", "(t) a, b { h b; cx a, b; rz(t) b; cx a, b; h b; }"},
    {"rccx", " a, b, c { h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c; }"},
    {"rc3x", " a, b, c, d { h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; cx a, d; t d; cx b, d; tdg d; h d; "
             "t d; cx c, d; tdg d; h d; }"},
    {"c3x", " a, b, c, d { ctrl(3) @ x a, b, c, d; }"},
    {"c3sqrtx", " a, b, c, d { ctrl(3) @ sx a, b, c, d; }"},
    {"c4x", " a, b, c, d, e { ctrl(4) @ x a, b, c, d, e; }"},
    {"iswap", " a, b { s a; s b; h a; cx a, b; cx b, a; h b; }"},
    {"dcx", " a, b { cx a, b; cx b, a; }"},
    {"ecr", " a, b { h b; cx a, b; rz(pi/4) b; cx a, b; h b; x a; h b; cx a, b; rz(-pi/4) b; cx a, b; h b; }"},
    {"r", "(t, f) a { rz(-f) a; rx(t) a; rz(f) a; }"},
    {"xx_plus_yy", "(t, f) a, b { cx a, b; crz(f) b, a; crx(t) b, a; crz(-f) b, a; cx a, b; }"},
    {"fsim", "(t, f) a, b { cx a, b; crx(2*t) b, a; cx a, b; cp(-f) a, b; }"},
};

/// The phase that reading the text adds: U and u2, u3 are not those of the table there.
double readPhase(const std::vector<Operation>& operations) {
    double phase = 0;
    for (const Operation& operation : operations) {
        if (operation.condition) continue;
        if (const auto* call = std::get_if<CallOp>(&operation.what)) phase += readPhase(*call->body);
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate || (gate->detail && !gate->detail->expressions.empty())) continue;
        const auto& a = gate->parameters;
        if (gate->name == "U") phase += a[0] / 2;
        else if (gate->name == "u2") phase -= (a[0] + a[1]) / 2;
        else if (gate->name == "u3") phase -= (a[1] + a[2]) / 2;
    }
    return phase;
}

bool comesLater(const std::vector<Operation>& operations) {
    return std::ranges::any_of(operations, [](const Operation& operation) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) return comesLater(*call->body);
        const auto* gate = std::get_if<GateOp>(&operation.what);
        return gate && gate->detail && !gate->detail->expressions.empty();
    });
}

tl::unexpected<Error> refused(const Operation& operation, const std::string& what) {
    return fail(ErrorCode::Unsupported, "line {}: OpenQASM 3 cannot be written for {}", operation.span.line, what);
}

class Writer {
public:
    explicit Writer(const Circuit& circuit)
        : m_circuit(circuit), m_names(circuit, 3),
          m_gates(m_names, [this](const Operation& operation, const auto& naming) { return simple(operation, naming); }) {}

    Result<std::string> write() {
        std::string body;
        for (const Operation& operation : m_circuit.operations) QSCOPE_CHECK(statement(operation, 0, body));
        const Circuit& names = m_names.circuit();
        std::string head = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";
        for (const Definition& known : kDefinitions)
            if (m_used.contains(known.name)) head += fmt::format("gate {}{}\n", known.name, known.text);
        head += m_gates.text();
        for (const InputParameter& input : names.inputs) head += fmt::format("input {} {};\n", spelling(input.type), input.name);
        for (const Register& reg : names.qregs)
            head += reg.name == "$" ? fmt::format("nop ${};\n", reg.size - 1) : fmt::format("qubit[{}] {};\n", reg.size, reg.name);
        for (const Register& reg : names.cregs) head += fmt::format("{}bit[{}] {};\n", reg.local ? "@local\n" : "", reg.size, reg.name);
        for (const ClassicalVariable& variable : names.variables)
            head += fmt::format("{} {};\n", spelling(variable.type), variable.name);
        const double phase = std::remainder(m_circuit.globalPhase - readPhase(m_circuit.operations), 2 * std::numbers::pi);
        if (std::abs(phase) > 1e-9) body += fmt::format("gphase({});\n", phase);
        return head + body;
    }

private:
    using Naming = qasm::WrittenGates::Naming;

    static std::string operands(const std::vector<int>& qubits, const Naming& naming) {
        std::string text;
        for (const int qubit : qubits) text += (text.empty() ? " " : ", ") + naming(qubit);
        return text + ";";
    }

    Result<void> statement(const Operation& operation, int depth, std::string& into) {
        const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
        if (const auto* control = std::get_if<ControlOp>(&operation.what)) return write(operation, *control->control, depth, into);
        // A body whose values come later has no definition of its own.
        if (const auto* call = std::get_if<CallOp>(&operation.what); call && comesLater(*call->body)) {
            for (Operation inner : *call->body) {
                if (!inner.condition) inner.condition = operation.condition;
                QSCOPE_CHECK(statement(inner, depth, into));
            }
            return {};
        }
        QSCOPE_TRY(const std::string line, simple(operation, [this](int qubit) { return m_names.qubit(qubit); }));
        into += indent;
        if (!operation.condition) {
            into += line + "\n";
            return {};
        }
        const Register& reg = m_names.circuit().cregs[static_cast<std::size_t>(operation.condition->creg)];
        if (reg.size > 64) return refused(operation, fmt::format("a condition on '{}': it has more than 64 bits", reg.name));
        into += fmt::format("if ({} == {}) {{ {} }}\n", reg.name, operation.condition->value, line);
        return {};
    }

    Result<void> body(const std::vector<Operation>& operations, int depth, std::string& into) {
        into += "{\n";
        for (const Operation& operation : operations) QSCOPE_CHECK(statement(operation, depth + 1, into));
        into += std::string(static_cast<std::size_t>(2 * depth), ' ') + "}";
        return {};
    }

    Result<void> write(const Operation& operation, const Control& control, int depth, std::string& into) {
        using Kind = Control::Kind;
        const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
        const auto text = [this](const ClassicalExpression& expression) { return expressionText(expression, m_names.circuit()); };
        into += indent;
        switch (control.kind) {
        case Kind::If:
            into += fmt::format("if ({}) ", text(control.value));
            QSCOPE_CHECK(body(control.bodies[0], depth, into));
            if (control.bodies.size() > 1) {
                into += " else ";
                QSCOPE_CHECK(body(control.bodies[1], depth, into));
            }
            break;
        case Kind::While:
            into += fmt::format("while ({}) ", text(control.value));
            QSCOPE_CHECK(body(control.bodies[0], depth, into));
            break;
        case Kind::Block: {
            const std::string turn = m_names.take("turn");
            into += fmt::format("for int {} in [0:{}] {{\n{}  switch ({}) {{\n", turn, control.bodies.size() - 1, indent, turn);
            for (std::size_t i = 0; i < control.bodies.size(); ++i) {
                into += fmt::format("{}  case {} ", indent, i);
                QSCOPE_CHECK(body(control.bodies[i], depth + 1, into));
                into += '\n';
            }
            into += fmt::format("{}  }}\n{}}}", indent, indent);
            break;
        }
        case Kind::Break: into += "break;"; break;
        case Kind::Continue: into += "continue;"; break;
        case Kind::End: into += "end;"; break;
        case Kind::Assign: into += fmt::format("{} = {};", text({{control.target}}), text(control.value)); break;
        case Kind::Call:
        case Kind::Return: return refused(operation, "a 'return' out of a branch");
        case Kind::External: return refused(operation, fmt::format("{}, which is not simulated", control.label));
        }
        into += '\n';
        return {};
    }

    /// What stands on one line and may stand in a gate.
    Result<std::string> simple(const Operation& operation, const Naming& naming) {
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what))
            return fmt::format("{} = measure {};", m_names.bit(measure->clbit), naming(measure->qubit));
        if (const auto* reset = std::get_if<ResetOp>(&operation.what)) return fmt::format("reset {};", naming(reset->qubit));
        if (const auto* barrier = std::get_if<BarrierOp>(&operation.what)) return "barrier" + operands(barrier->qubits, naming);
        if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            QSCOPE_TRY(const std::string name, m_gates.define(call->name, call->parameters.size(), call->qubits, *call->body));
            return name + writtenParameters(call->parameters) + operands(call->qubits, naming);
        }
        const auto& gate = std::get<GateOp>(operation.what);
        std::string name = gate.name;
        if (gate.detail && gate.detail->body) {
            const std::vector<int> on(gate.qubits.begin() + gate.detail->controls, gate.qubits.end());
            QSCOPE_TRY(const std::string defined,
                       m_gates.define(gate.detail->bodyName, gate.parameters.size(), on, *gate.detail->body, gate.detail->bodyPhase));
            name = name.substr(0, name.size() - gate.detail->bodyName.size()) + defined;
        } else {
            const std::size_t modifiers = name.rfind("@ ");
            const std::string base = modifiers == std::string::npos ? name : name.substr(modifiers + 2);
            const GateInfo* info = findGate(base);
            const bool table = info && (gate.detail || static_cast<std::size_t>(info->qubits) == gate.qubits.size());
            if (!table) return refused(operation, fmt::format("'{}': it is opaque", gate.name));
            m_used.insert(base);
        }
        if (name == "delay") return fmt::format("delay[{}s]{}", gate.parameters[0], operands(gate.qubits, naming));
        return name + parameters(gate) + operands(gate.qubits, naming);
    }

    [[nodiscard]] std::string parameters(const GateOp& gate) const {
        if (!gate.detail || gate.detail->expressions.empty()) return writtenParameters(gate.parameters);
        std::string text;
        for (std::size_t i = 0; i < gate.parameters.size(); ++i)
            text += (i == 0 ? "(" : ",") + (std::isnan(gate.parameters[i])
                                                ? expressionText(gate.detail->expressions[i], m_names.circuit())
                                                : fmt::format("{}", gate.parameters[i]));
        return text + ")";
    }

    const Circuit& m_circuit;
    qasm::WrittenNames m_names;
    qasm::WrittenGates m_gates;
    std::set<std::string, std::less<>> m_used; ///< gates of the table
};

} // namespace

Result<std::string> toOpenQasm3(const Circuit& circuit) { return Writer(circuit).write(); }

} // namespace qscope::engine
