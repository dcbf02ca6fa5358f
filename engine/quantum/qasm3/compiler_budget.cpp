// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace qscope::engine::qasm3 {

namespace {

constexpr std::uint64_t kVeryMany = UINT64_MAX / 4;
/// The part of the limit that is left to what cannot be counted before it runs: an endless loop ends soon and small.
constexpr std::uint64_t kUncountedPart = 4;

std::uint64_t times(std::uint64_t a, std::uint64_t b) { return a != 0 && b > kVeryMany / a ? kVeryMany : a * b; }

/// How many plain operations take as much memory: lists of qubits, code that a run evaluates, and its text may be long.
std::uint64_t weightOf(const Operation& operation) {
    constexpr std::size_t kSteps = 4, kLetters = 200, kQubits = 32, kControl = 3;
    std::size_t weight = 1;
    if (const auto* call = std::get_if<CallOp>(&operation.what)) weight += call->qubits.size() / kQubits;
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
        weight += gate->qubits.size() / kQubits;
        if (gate->detail)
            for (const ClassicalExpression& expression : gate->detail->expressions)
                weight += expression.steps.size() / kSteps;
    }
    if (const auto* control = std::get_if<ControlOp>(&operation.what))
        weight += kControl + control->control->qubits.size() / kQubits + control->control->value.steps.size() / kSteps +
                  control->control->label.size() / kLetters;
    return weight;
}

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

std::optional<std::uint64_t> turns(const Expression& range, const Lookup& lookup) {
    if (range.kind == ExpressionKind::Set) return range.parts.size();
    if (range.kind != ExpressionKind::Range || !range.parts[0] || !range.parts[2]) return std::nullopt;
    const auto start = literal(range.parts[0].get(), lookup);
    const auto step = literal(range.parts[1].get(), lookup);
    const auto stop = literal(range.parts[2].get(), lookup);
    if (!start || !step || !stop || *step == 0) return std::nullopt;
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

Compiler::Uncounted::Uncounted(Compiler& compiler, bool certain, const SourceSpan& span)
    : m_compiler(compiler)
    , m_counts(certain ? 0 : 1) {
    if (m_counts > 0 && compiler.m_uncounted == 0) compiler.m_outermost = span;
    compiler.m_uncounted += m_counts;
}

bool Compiler::spend(std::uint64_t work) {
    if (m_uncounted == 0) return true;
    const std::uint64_t most = m_limits.operations / kUncountedPart;
    m_spent = std::min(m_spent + work, kVeryMany);
    if (m_spent <= most) return true;
    m_messages.fatal(m_outermost,
                     fmt::format("this does not end within {} steps and operations, which is the limit where "
                                 "the text does not say how many there are",
                                 most));
    return false;
}

bool Compiler::charge(std::uint64_t steps) {
    m_steps = std::min(m_steps + steps, kVeryMany);
    if (m_steps > m_limits.operations) {
        m_messages.fatal(m_span, fmt::format("the program takes more than {} steps to unroll, which is the limit",
                                             m_limits.operations));
        return false;
    }
    return spend(steps);
}

std::uint64_t Compiler::left() const {
    const std::uint64_t all = m_limits.operations - std::min(m_operations, m_limits.operations);
    const std::uint64_t part = m_limits.operations / kUncountedPart;
    return m_uncounted == 0 ? all : std::min(all, part - std::min(m_spent, part));
}

bool Compiler::reserve(std::uint64_t count, std::uint64_t each) {
    const std::uint64_t wanted = times(count, each);
    if (wanted <= left()) return true;
    if (m_uncounted == 0 || wanted > m_limits.operations - std::min(m_operations, m_limits.operations)) {
        m_messages.fatal(m_span,
                         fmt::format("the circuit has more than {} operations, which is the limit, once it is unrolled",
                                     m_limits.operations));
        return false;
    }
    return spend(wanted);
}

void Compiler::emit(Operation operation) {
    const std::uint64_t weight = weightOf(operation);
    if (!reserve(weight, 1) || !spend(weight)) return;
    m_operations += weight;
    operation.span = m_span;
    m_into->push_back(std::move(operation));
}

bool Compiler::calls(const Expression* expression) {
    if (!expression) return false;
    if (expression->kind == ExpressionKind::Measure) return true;
    if (expression->kind == ExpressionKind::Call && m_functions.contains(expression->text)) return true;
    return std::ranges::any_of(expression->parts, [this](const ExpressionPtr& part) { return calls(part.get()); });
}

/// Whether all names in it have values, and nothing in it runs.
bool Compiler::knows(const Expression* expression) {
    if (!expression) return true;
    if (expression->kind == ExpressionKind::Measure) return false;
    if (expression->kind == ExpressionKind::Call && m_functions.contains(expression->text)) return false;
    if (expression->kind == ExpressionKind::Name) {
        const Symbol* symbol = find(expression->text);
        if (symbol && (symbol->kind != Symbol::Kind::Variable || symbol->variable.outcome || !symbol->variable.known ||
                       !symbol->variable.known->known))
            return false;
        if (!symbol && expression->text != "pi" && expression->text != "tau" && expression->text != "euler")
            return false;
    }
    return std::ranges::all_of(expression->parts, [this](const ExpressionPtr& part) { return knows(part.get()); });
}

/// Names that a body does not give another meaning.
Compiler::Sizes Compiler::sizesHere(const Body& body) {
    std::unordered_set<std::string_view> changed;
    changedIn(body, changed);
    return [this, changed = std::move(changed)](std::string_view name) -> std::optional<std::uint64_t> {
        const Symbol* symbol = changed.contains(name) ? nullptr : find(name);
        if (!symbol || symbol->kind != Symbol::Kind::Qubits) return std::nullopt;
        return symbol->qubits->size();
    };
}

/// At least this many operations come out of a body: what is hopelessly many is refused before it takes memory.
Compiler::Count Compiler::countOf(const Body& outermost, const Sizes& sizes) {
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
    const auto sizeOf = [&](const Expression& operand) -> std::optional<std::uint64_t> {
        if (operand.kind == ExpressionKind::HardwareQubit) return 1;
        if (operand.kind == ExpressionKind::Name) return sizes(operand.text);
        const bool index = operand.kind == ExpressionKind::Index && operand.parts.size() == 2;
        if (!index || operand.parts[1]->kind == ExpressionKind::Range || operand.parts[1]->kind == ExpressionKind::Set)
            return std::nullopt;
        return 1;
    };
    const auto counted = [&](const auto& self, const Body& body) -> Count {
        Count count;
        const auto add = [&](std::uint64_t repeats, const Count& each) {
            count.operations = std::min(count.operations + times(repeats, each.operations), kVeryMany);
            count.certain = count.certain && each.certain;
        };
        const auto on = [&](const Expression& operand, std::uint64_t weight) {
            const auto size = sizeOf(operand);
            add(size.value_or(1), {weight, size.has_value()});
        };
        const auto evaluated = [&](const Expression* expression) {
            if (!calls(expression)) return;
            const auto found =
                expression->kind == ExpressionKind::Call ? m_functions.find(expression->text) : m_functions.end();
            add(1, {found == m_functions.end() ? 0 : found->second.count.operations, false});
        };
        const auto everywhere = [&] { // all qubits there are, or all of a gate's
            const bool here = m_opening == 0 && !m_loops.empty();
            add(here ? static_cast<std::uint64_t>(m_circuit.qubits) : 1, {1, here});
        };
        for (const Statement& statement : body) {
            if (const auto* call = std::get_if<GateCall>(&statement.what)) {
                const auto gate = m_gates.find(call->gate.text);
                const auto subroutine = m_functions.find(call->gate.text);
                Count each{1, true};
                if (gate != m_gates.end())
                    each = gate->second.count;
                else if (subroutine != m_functions.end())
                    each = subroutine->second.count;
                each.certain = each.certain && call->modifiers.empty();
                std::uint64_t repeats = 1;
                if (subroutine == m_functions.end())
                    for (const auto& operand : call->operands) {
                        const auto size = sizeOf(*operand);
                        each.certain = each.certain && size;
                        repeats = std::max(repeats, size.value_or(1));
                    }
                for (const auto& parameter : call->parameters) each.certain = each.certain && !calls(parameter.get());
                add(repeats, each);
            } else if (const auto* measurement = std::get_if<Measurement>(&statement.what)) {
                on(*measurement->from, 1);
            } else if (const auto* reset = std::get_if<Reset>(&statement.what)) {
                on(*reset->target, 1);
            } else if (const auto* barrier = std::get_if<Barrier>(&statement.what)) {
                if (barrier->operands.empty()) everywhere();
                for (const auto& operand : barrier->operands) on(*operand, 1);
            } else if (const auto* delay = std::get_if<Delay>(&statement.what)) {
                if (delay->operands.empty()) everywhere();
                for (const auto& operand : delay->operands) on(*operand, 1);
            } else if (const auto* loop = std::get_if<For>(&statement.what)) {
                Count inner = self(self, *loop->body);
                inner.operations = std::max<std::uint64_t>(inner.operations, 1);
                const bool whole = !jumps(*loop->body);
                const auto known = turns(*loop->range, lookup);
                inner.certain = inner.certain && whole && known;
                add(whole ? known.value_or(1) : 0, inner);
            } else if (const auto* block = std::get_if<Block>(&statement.what)) {
                add(1, self(self, *block->body));
            } else if (const auto* alone = std::get_if<ExpressionStatement>(&statement.what)) {
                evaluated(alone->value.get());
            } else if (const auto* assignment = std::get_if<Assignment>(&statement.what)) {
                evaluated(assignment->value.get());
                add(0, {0, knows(assignment->target.get()) && knows(assignment->value.get())});
            } else if (const auto* declaration = std::get_if<Declaration>(&statement.what)) {
                evaluated(declaration->value.get());
            } else if (std::holds_alternative<Return>(statement.what) || std::holds_alternative<Jump>(statement.what)) {
                if (const auto* back = std::get_if<Return>(&statement.what)) evaluated(back->value.get());
                break;
            } else if (std::holds_alternative<If>(statement.what) || std::holds_alternative<While>(statement.what) ||
                       std::holds_alternative<Switch>(statement.what)) {
                add(0, {0, false});
            }
        }
        return count;
    };
    return counted(counted, outermost);
}

} // namespace qscope::engine::qasm3
