// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include "engine/quantum/qasm/spelling.h"

#include <fmt/format.h>

#include <algorithm>

namespace qscope::engine::qasm3 {

Compiler::Compiler(Messages& messages, const ReadLimits& limits, std::uint64_t hardwareQubits)
    : m_messages(messages)
    , m_limits(limits)
    , m_into(&m_circuit.operations) {
    m_scopes.emplace_back();
    if (hardwareQubits == 0) return;
    m_circuit.qubits = static_cast<int>(hardwareQubits);
    m_circuit.qregs.push_back({"$", 0, m_circuit.qubits});
}

void Compiler::add(Statement statement) {
    m_span = statement.span;
    if (auto* gate = std::get_if<GateDefinition>(&statement.what)) return define(std::move(*gate));
    if (auto* subroutine = std::get_if<Subroutine>(&statement.what)) return define(std::move(*subroutine));
    if (m_ended) return;
    const Flow flow = execute(statement);
    m_ended = flow == Flow::End;
}

Circuit Compiler::finish(std::string version) {
    if (m_circuit.qubits == 0 && !m_messages.failed()) error({}, "the text declares no qubits");
    m_circuit.version = std::move(version);
    return std::move(m_circuit);
}

Compiler::Flow Compiler::run(const Body& body, bool scoped) {
    if (scoped) m_scopes.emplace_back();
    Flow flow = Flow::Next;
    for (const Statement& statement : body) {
        flow = execute(statement);
        if (flow != Flow::Next || m_messages.stopped()) break;
    }
    if (scoped) m_scopes.pop_back();
    return flow;
}

Compiler::Flow Compiler::execute(const Statement& statement) {
    m_span = statement.span;
    if (m_ended) return Flow::End;
    const auto& what = statement.what;
    const bool definition = std::holds_alternative<GateDefinition>(what) || std::holds_alternative<Subroutine>(what) ||
                            std::holds_alternative<Include>(what);
    if (definition && m_scopes.size() > 1) {
        error(statement.span, "this belongs to the outermost level, outside of all braces");
        return Flow::Next;
    }
    const bool allowed = std::holds_alternative<GateCall>(what) || std::holds_alternative<Barrier>(what) ||
                         std::holds_alternative<For>(what) || std::holds_alternative<If>(what) ||
                         std::holds_alternative<Block>(what) || std::holds_alternative<Ignored>(what) ||
                         std::holds_alternative<Jump>(what);
    if (m_opening > 0 && !allowed) {
        error(statement.span, "a gate is made of gates, barriers and loops only");
        return Flow::Next;
    }
    const std::uint64_t operations = m_operations;
    const Flow flow = std::visit([this](const auto& each) { return execute(each); }, what);
    // What leaves operations behind has paid with those.
    return m_operations != operations || charge(1) ? flow : Flow::End;
}

Compiler::Flow Compiler::execute(const Include& include) {
    const auto& [file, span] = include.file;
    if (file == "stdgates.inc")
        m_included = true;
    else if (file == "qelib1.inc")
        error(span, "\"qelib1.inc\" belongs to OpenQASM 2", "include \"stdgates.inc\";");
    else
        error(span,
              fmt::format("'{}' is not included: no file but \"stdgates.inc\" is, and that one is built in",
                          file.substr(0, 80)),
              "copy what it defines into this text");
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const Ignored& ignored) {
    m_messages.once(Severity::Note, m_span, fmt::format("{} is not simulated: line {}", ignored.what, m_span.line));
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const ExpressionStatement& statement) {
    if (!value(*statement.value, true)) return Flow::Next;
    if (statement.value->kind != ExpressionKind::Call)
        m_messages.once(Severity::Warning, m_span, "this value is not used");
    return Flow::Next;
}

/// `let`: a name for qubits that have names already.
Compiler::Flow Compiler::execute(const Alias& alias) {
    auto found = qubits(*alias.value);
    if (!found) return Flow::Next;
    Symbol* symbol = declare(alias.name);
    if (!symbol) return Flow::Next;
    if (!charge(found->qubits->size() / 64)) return Flow::End;
    const SourceSpan span = alias.name.span;
    *symbol = std::move(*found);
    symbol->variable = {};
    symbol->what = fmt::format("{}", span.line);
    return Flow::Next;
}

Compiler::Symbol* Compiler::find(std::string_view name) {
    for (std::size_t i = m_scopes.size(); i-- > m_base;)
        if (const auto found = m_scopes[i].find(name); found != m_scopes[i].end()) return &found->second;
    if (m_base == 0) return nullptr;
    const auto found = m_scopes.front().find(name);
    if (found == m_scopes.front().end()) return nullptr;
    // Subroutines and gates see constants only of what is around them.
    const Symbol& symbol = found->second;
    return symbol.kind == Symbol::Kind::Variable && symbol.variable.constant ? &found->second : nullptr;
}

Compiler::Symbol* Compiler::declare(const Name& name) {
    auto& scope = m_scopes.back();
    const auto [place, fresh] = scope.try_emplace(name.text);
    if (!fresh) {
        error(name.span, fmt::format("'{}' is declared already", name.text));
        return nullptr;
    }
    return &place->second;
}

void Compiler::unknownName(const Name& name, const char* what) {
    std::vector<std::string_view> known;
    for (std::size_t i = m_scopes.size(); i-- > m_base;)
        if (m_scopes[i].size() <= 100)
            for (const auto& [text, symbol] : m_scopes[i]) known.push_back(text);
    std::ranges::sort(known); // a map's order is not the same everywhere
    std::string closest = qasm::closestName(name.text, known);
    if (!closest.empty()) closest = fmt::format("'{}'?", closest);
    const bool outside = m_base > 0 && m_scopes.front().contains(name.text);
    error(name.span,
          outside ? fmt::format("'{}' is out of sight: of what is outside only constants can be seen", name.text)
                  : fmt::format("there is no {} '{}'", what, name.text.substr(0, 80)),
          outside ? "pass it as an argument" : std::move(closest));
}

std::string Compiler::qubitName(int qubit) const {
    for (const Register& reg : m_circuit.qregs)
        if (qubit < reg.first + reg.size)
            return reg.name == "$" ? fmt::format("${}", qubit) : fmt::format("{}[{}]", reg.name, qubit - reg.first);
    return fmt::format("qubit {}", qubit);
}

} // namespace qscope::engine::qasm3
