// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/builder.h"
#include "engine/quantum/qasm/expression.h"
#include "engine/quantum/qasm/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace qscope::engine::qasm {

namespace {

const char* plural(std::size_t count) { return count == 1 ? "" : "s"; }

} // namespace

Builder::Callee Builder::find(const Name& name) {
    // A file's own gate wins over the table.
    if (const auto own = m_gates.find(name.text); own != m_gates.end()) return {nullptr, own->second.get()};
    if (const GateInfo* gate = findGate(name.text)) {
        if (gate->set == GateSet::Library && !m_included)
            m_messages.once(Severity::Warning, name.span, "gates of \"qelib1.inc\" are used without including it");
        if (gate->set == GateSet::Extra)
            m_messages.once(Severity::Note, name.span,
                            fmt::format("'{}' is not part of \"qelib1.inc\"; its usual definition is used", name.text));
        return {gate, nullptr};
    }
    std::vector<std::string_view> known;
    for (const GateInfo& gate : gateTable()) known.push_back(gate.name);
    const std::size_t own = known.size();
    if (m_gates.size() <= 1000)
        for (const auto& [id, definition] : m_gates) known.push_back(id);
    std::sort(known.begin() + static_cast<std::ptrdiff_t>(own), known.end());
    std::string closest = closestName(name.text, known);
    if (!closest.empty()) closest = fmt::format("'{}'?", closest);
    m_messages.error(name.span, fmt::format("there is no gate '{}'", name.text.substr(0, 80)), std::move(closest));
    return {};
}

bool Builder::fits(const Callee& callee, const Name& name, std::size_t parameters, std::size_t qubits) {
    const std::size_t wantedParameters =
        callee.own ? callee.own->parameters : static_cast<std::size_t>(callee.gate->parameters);
    const std::size_t wantedQubits = callee.own ? callee.own->qubits : static_cast<std::size_t>(callee.gate->qubits);
    if (parameters != wantedParameters) {
        m_messages.error(name.span, fmt::format("'{}' takes {} parameter{}, not {}", name.text, wantedParameters,
                                                plural(wantedParameters), parameters));
        return false;
    }
    if (qubits != wantedQubits) {
        m_messages.error(name.span, fmt::format("'{}' acts on {} qubit{}, not {}", name.text, wantedQubits,
                                                plural(wantedQubits), qubits));
        return false;
    }
    return true;
}

bool Builder::bindNames(Expression& expression, std::span<const Name> parameters) {
    for (ExpressionStep& step : expression.steps) {
        if (step.kind != StepKind::Name) continue;
        const auto found = std::ranges::find(parameters, step.name, &Name::text);
        if (found == parameters.end()) {
            m_messages.error(step.span, fmt::format("'{}' is neither a number nor a parameter", step.name.substr(0, 80)),
                             step.name == "Pi" || step.name == "PI" ? "'pi'?" : "");
            return false;
        }
        step.kind = StepKind::Parameter;
        step.parameter = static_cast<std::size_t>(found - parameters.begin());
    }
    return true;
}

void Builder::define(const GateStatement& statement) {
    if (m_gates.contains(statement.name.text)) {
        m_messages.error(statement.name.span, fmt::format("there is a gate '{}' already", statement.name.text));
        return;
    }
    const GateInfo* known = findGate(statement.name.text);
    if (known && known->set == GateSet::Language) {
        m_messages.error(statement.name.span, fmt::format("'{}' is part of the language", statement.name.text));
        return;
    }
    // A table so small that a hostile text cannot make the searches below slow.
    if (statement.parameters.size() > 1000 || statement.qubits.size() > 1000) {
        m_messages.error(statement.name.span, "a gate has at most 1000 parameters and 1000 qubits");
        return;
    }
    for (const auto* names : {&statement.parameters, &statement.qubits})
        for (std::size_t i = 0; i < names->size(); ++i)
            if (std::find_if(names->begin(), names->begin() + static_cast<std::ptrdiff_t>(i), [&](const Name& other) {
                    return other.text == (*names)[i].text;
                }) != names->begin() + static_cast<std::ptrdiff_t>(i))
                m_messages.error((*names)[i].span, fmt::format("'{}' is named twice", (*names)[i].text));

    // An opaque declaration of a gate that the table knows, exactly so: the table has its matrix.
    if (statement.opaque && known && static_cast<std::size_t>(known->parameters) == statement.parameters.size() &&
        static_cast<std::size_t>(known->qubits) == statement.qubits.size())
        return;

    auto definition = std::make_unique<Definition>();
    definition->name = statement.name.text;
    definition->parameters = statement.parameters.size();
    definition->qubits = statement.qubits.size();
    definition->opaque = statement.opaque;
    for (const auto& each : statement.body) {
        std::optional<BodyLine> line;
        if (const auto* call = std::get_if<CallStatement>(&each)) {
            line = bind(*call, statement);
        } else {
            const auto& barrier = std::get<BarrierStatement>(each);
            line = bind({{}, {}, barrier.arguments, barrier.span}, statement);
        }
        if (!line) continue;
        const Definition* inner = line->callee.own;
        definition->operations = std::min(definition->operations + (inner ? inner->operations : 1), UINT64_MAX / 4);
        if (inner) definition->depth = std::max(definition->depth, inner->depth + 1);
        definition->body.push_back(std::move(*line));
    }
    if (definition->depth > m_limits.nestingDepth) {
        m_messages.error(statement.name.span,
                         fmt::format("'{}' opens gates within gates deeper than {}", statement.name.text, m_limits.nestingDepth));
        definition->body.clear();
        definition->depth = 0;
    }
    m_gates.emplace(statement.name.text, std::move(definition));
}

std::optional<Builder::BodyLine> Builder::bind(const CallStatement& call, const GateStatement& gate) {
    BodyLine line;
    line.span = call.span;
    const bool barrier = call.gate.text.empty();
    if (!barrier) {
        if (call.gate.text == gate.name.text && !m_gates.contains(call.gate.text) && !findGate(call.gate.text)) {
            m_messages.error(call.gate.span, fmt::format("'{}' calls itself", call.gate.text));
            return std::nullopt;
        }
        line.callee = find(call.gate);
        if (!line.callee || !fits(line.callee, call.gate, call.parameters.size(), call.arguments.size()))
            return std::nullopt;
    }
    for (const Argument& argument : call.arguments) {
        const auto found = std::ranges::find(gate.qubits, argument.name, &Name::text);
        if (argument.index || found == gate.qubits.end()) {
            m_messages.error(argument.span, argument.index
                                                ? fmt::format("qubits inside a gate have no indices: '{}'", argument.name)
                                                : fmt::format("'{}' is no qubit of gate '{}'", argument.name, gate.name.text));
            return std::nullopt;
        }
        const auto index = static_cast<std::size_t>(found - gate.qubits.begin());
        if (std::ranges::find(line.qubits, index) != line.qubits.end() && !barrier) {
            m_messages.error(call.span, fmt::format("'{}' gets {} twice", call.gate.text, argument.name));
            return std::nullopt;
        }
        line.qubits.push_back(index);
    }
    if (barrier && line.qubits.empty())
        for (std::size_t i = 0; i < gate.qubits.size(); ++i) line.qubits.push_back(i);
    line.parameters = call.parameters;
    for (Expression& expression : line.parameters)
        if (!bindNames(expression, gate.parameters)) return std::nullopt;
    return line;
}

std::optional<std::vector<double>> Builder::values(std::span<const Expression> expressions,
                                                   std::span<const double> bound, const SourceSpan& blame) {
    std::vector<double> result;
    result.reserve(expressions.size());
    for (const Expression& expression : expressions) {
        const double value = evaluate(expression, bound);
        if (!std::isfinite(value)) {
            m_messages.error(blame, fmt::format("a parameter is not a finite number here (line {})", expression.span.line));
            return std::nullopt;
        }
        result.push_back(value);
    }
    return result;
}

std::optional<Operation> Builder::instance(const Callee& callee, std::vector<double> parameters,
                                           std::vector<int> qubits, const SourceSpan& span, const SourceSpan& blame) {
    if (!callee.own) return Operation{GateOp{std::string(callee.gate->name), std::move(parameters), std::move(qubits)}, {}, span};
    const Definition& own = *callee.own;
    if (own.opaque) return Operation{GateOp{own.name, std::move(parameters), std::move(qubits)}, {}, span};

    auto body = std::make_shared<std::vector<Operation>>();
    body->reserve(own.body.size());
    for (const BodyLine& line : own.body) {
        std::vector<int> on;
        on.reserve(line.qubits.size());
        for (const std::size_t formal : line.qubits) on.push_back(qubits[formal]);
        if (!line.callee) {
            body->push_back({BarrierOp{std::move(on)}, {}, line.span});
            continue;
        }
        auto inner = values(line.parameters, parameters, blame);
        if (!inner) return std::nullopt;
        auto operation = instance(line.callee, std::move(*inner), std::move(on), line.span, blame);
        if (!operation) return std::nullopt;
        body->push_back(std::move(*operation));
    }
    return Operation{CallOp{own.name, std::move(parameters), std::move(qubits), std::move(body)}, {}, span};
}

} // namespace qscope::engine::qasm
