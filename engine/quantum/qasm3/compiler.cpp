// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include "engine/quantum/qasm/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_set>

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
    if (++m_steps > m_limits.operations) {
        m_messages.fatal(
            statement.span,
            fmt::format("the program takes more than {} steps to unroll, which is the limit", m_limits.operations));
        return Flow::End;
    }
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
    return std::visit([this](const auto& each) { return execute(each); }, what);
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
    m_steps += found->qubits->size() / 64;
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

bool Compiler::reserve(std::uint64_t count, std::uint64_t each) {
    const std::uint64_t left = m_limits.operations - std::min(m_operations, m_limits.operations);
    if (each <= m_limits.operations && count <= m_limits.operations && count * each <= left) return true;
    m_messages.fatal(m_span,
                     fmt::format("the circuit has more than {} operations, which is the limit, once it is unrolled",
                                 m_limits.operations));
    return false;
}

namespace {

/// How many plain operations take as much memory: code that a run evaluates, and its text, may be long.
std::uint64_t weightOf(const Operation& operation) {
    constexpr std::size_t kSteps = 4, kLetters = 200;
    std::size_t weight = 1;
    if (const auto* gate = std::get_if<GateOp>(&operation.what); gate && gate->detail)
        for (const ClassicalExpression& expression : gate->detail->expressions)
            weight += expression.steps.size() / kSteps;
    if (const auto* control = std::get_if<ControlOp>(&operation.what))
        weight += control->control->value.steps.size() / kSteps + control->control->label.size() / kLetters;
    return weight;
}

} // namespace

void Compiler::emit(Operation operation) {
    const std::uint64_t weight = weightOf(operation);
    if (!reserve(weight, 1)) return;
    m_operations += weight;
    operation.span = m_span;
    m_into->push_back(std::move(operation));
}

namespace {

constexpr std::uint64_t kVeryMany = UINT64_MAX / 4;

std::uint64_t times(std::uint64_t a, std::uint64_t b) { return a != 0 && b > kVeryMany / a ? kVeryMany : a * b; }

/// The value of a name, where it is certain.
using Lookup = std::function<std::optional<std::int64_t>(std::string_view)>;

/// A whole number that stands in the text as such, or a name for one.
std::optional<std::int64_t> literal(const Expression* expression, const Lookup& lookup) {
    if (!expression) return 1;
    if (expression->kind == ExpressionKind::Name) return lookup(expression->text);
    if (expression->kind == ExpressionKind::Integer && expression->integer < (1u << 31))
        return static_cast<std::int64_t>(expression->integer);
    if (expression->kind != ExpressionKind::Unary || expression->op != ClassicalOp::Negate) return std::nullopt;
    const auto inner = literal(expression->parts.front().get(), lookup);
    return inner ? std::optional(-*inner) : std::nullopt;
}

std::uint64_t turns(const Expression& range, const Lookup& lookup) {
    if (range.kind == ExpressionKind::Set) return range.parts.size();
    if (range.kind != ExpressionKind::Range || !range.parts[0] || !range.parts[2]) return 1;
    const auto start = literal(range.parts[0].get(), lookup);
    const auto step = literal(range.parts[1].get(), lookup);
    const auto stop = literal(range.parts[2].get(), lookup);
    if (!start || !step || !stop || *step == 0) return 1;
    const std::int64_t count = (*stop - *start) / *step + 1;
    return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

bool jumps(const Body& body) {
    return std::ranges::any_of(body, [](const Statement& statement) {
        const auto inside = [](const std::shared_ptr<const Body>& inner) { return inner && jumps(*inner); };
        if (const auto* branch = std::get_if<If>(&statement.what))
            return inside(branch->then) || inside(branch->otherwise);
        if (const auto* loop = std::get_if<For>(&statement.what)) return inside(loop->body);
        if (const auto* block = std::get_if<Block>(&statement.what)) return inside(block->body);
        if (const auto* choice = std::get_if<Switch>(&statement.what))
            return std::ranges::any_of(choice->cases, [&](const SwitchCase& each) { return inside(each.body); });
        return std::holds_alternative<Jump>(statement.what) || std::holds_alternative<Return>(statement.what);
    });
}

/// Names that mean something else after a part of the body.
void changedIn(const Body& body, std::unordered_set<std::string_view>& names) {
    const auto inside = [&](const std::shared_ptr<const Body>& inner) {
        if (inner) changedIn(*inner, names);
    };
    const auto target = [&](const Expression* expression) {
        while (expression && expression->kind == ExpressionKind::Index) expression = expression->parts.front().get();
        if (expression) names.insert(expression->text);
    };
    for (const Statement& statement : body) {
        if (const auto* assignment = std::get_if<Assignment>(&statement.what))
            target(assignment->target.get());
        else if (const auto* measurement = std::get_if<Measurement>(&statement.what))
            target(measurement->to.get());
        else if (const auto* declaration = std::get_if<Declaration>(&statement.what))
            names.insert(declaration->name.text);
        else if (const auto* alias = std::get_if<Alias>(&statement.what))
            names.insert(alias->name.text);
        else if (const auto* loop = std::get_if<For>(&statement.what)) {
            names.insert(loop->variable.text);
            inside(loop->body);
        } else if (const auto* repeat = std::get_if<While>(&statement.what))
            inside(repeat->body);
        else if (const auto* block = std::get_if<Block>(&statement.what))
            inside(block->body);
        else if (const auto* branch = std::get_if<If>(&statement.what)) {
            inside(branch->then);
            inside(branch->otherwise);
        } else if (const auto* choice = std::get_if<Switch>(&statement.what))
            for (const SwitchCase& each : choice->cases) inside(each.body);
    }
}

} // namespace

/// At least this many operations come out of a body: what is hopelessly many is refused before it takes memory.
std::uint64_t Compiler::countOf(const Body& outermost) {
    // While a loop runs, names have values; those of a definition are not those around it.
    std::unordered_set<std::string_view> changed;
    if (!m_loops.empty()) changedIn(outermost, changed);
    const Lookup lookup = [&](std::string_view name) -> std::optional<std::int64_t> {
        if (m_loops.empty() || changed.contains(name)) return std::nullopt;
        const Symbol* symbol = find(name);
        if (!symbol || symbol->kind != Symbol::Kind::Variable || !symbol->variable.known ||
            !symbol->variable.known->known)
            return std::nullopt;
        const auto whole = converted(*symbol->variable.known->known, {ScalarKind::Int, 64});
        if (!whole || std::abs(whole->asDouble()) >= 2147483648.0) return std::nullopt;
        return static_cast<std::int64_t>(whole->word);
    };
    const auto counted = [&](const auto& self, const Body& body) -> std::uint64_t {
        std::uint64_t count = 0;
        const auto function = [&](const Expression* expression) -> std::uint64_t {
            if (!expression || expression->kind != ExpressionKind::Call) return 0;
            const auto found = m_functions.find(expression->text);
            return found == m_functions.end() ? 0 : found->second.operations;
        };
        for (const Statement& statement : body) {
            if (const auto* call = std::get_if<GateCall>(&statement.what)) {
                const auto gate = m_gates.find(call->gate.text);
                const auto subroutine = m_functions.find(call->gate.text);
                count += gate != m_gates.end()             ? gate->second.operations
                         : subroutine != m_functions.end() ? subroutine->second.operations
                                                           : 1;
            } else if (const auto* loop = std::get_if<For>(&statement.what)) {
                count += times(jumps(*loop->body) ? 0 : turns(*loop->range, lookup),
                               std::max<std::uint64_t>(self(self, *loop->body), 1));
            } else if (const auto* block = std::get_if<Block>(&statement.what)) {
                count += self(self, *block->body);
            } else if (const auto* alone = std::get_if<ExpressionStatement>(&statement.what)) {
                count += function(alone->value.get());
            } else if (const auto* assignment = std::get_if<Assignment>(&statement.what)) {
                count += function(assignment->value.get());
            } else if (std::holds_alternative<Return>(statement.what) || std::holds_alternative<Jump>(statement.what)) {
                break;
            }
            count = std::min(count, kVeryMany);
        }
        return count;
    };
    return counted(counted, outermost);
}

std::string Compiler::qubitName(int qubit) const {
    for (const Register& reg : m_circuit.qregs)
        if (qubit < reg.first + reg.size)
            return reg.name == "$" ? fmt::format("${}", qubit) : fmt::format("{}[{}]", reg.name, qubit - reg.first);
    return fmt::format("qubit {}", qubit);
}

} // namespace qscope::engine::qasm3
