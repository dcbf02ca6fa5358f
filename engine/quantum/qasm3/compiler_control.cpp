// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"
#include "engine/quantum/qasm3/later.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace qscope::engine::qasm3 {

namespace {

void collect(const std::vector<Operation>& operations, std::set<int>& qubits) {
    for (const Operation& operation : operations) {
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) qubits.insert(gate->qubits.begin(), gate->qubits.end());
        else if (const auto* call = std::get_if<CallOp>(&operation.what)) qubits.insert(call->qubits.begin(), call->qubits.end());
        else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) qubits.insert(measure->qubit);
        else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) qubits.insert(reset->qubit);
        else if (const auto* barrier = std::get_if<BarrierOp>(&operation.what)) qubits.insert(barrier->qubits.begin(), barrier->qubits.end());
        else if (const auto* control = std::get_if<ControlOp>(&operation.what))
            qubits.insert(control->control->qubits.begin(), control->control->qubits.end());
    }
}

} // namespace

void Compiler::emitControl(Control control, const SourceSpan& span) {
    std::set<int> qubits;
    for (const auto& body : control.bodies) collect(body, qubits);
    control.qubits.assign(qubits.begin(), qubits.end());
    const SourceSpan before = std::exchange(m_span, span);
    emit({ControlOp{std::make_shared<const Control>(std::move(control))}, {}, {}});
    m_span = before;
}

/// What the body becomes when a run may skip or repeat it. Variables have been moved into the circuit before.
std::vector<Operation> Compiler::runtimeBody(const Body& body, bool scoped) {
    std::vector<Operation> operations;
    auto* const before = std::exchange(m_into, &operations);
    ++m_depth;
    (void)run(body, scoped);
    --m_depth;
    m_into = before;
    return operations;
}

/// A body of simple operations under `register == number` as OpenQASM 2 has it: each operation carries the condition.
bool Compiler::asConditions(const Value& condition, std::vector<Operation>& body) {
    const auto& steps = condition.code.steps;
    if (steps.empty() || steps[0].op != ClassicalOp::Bits || body.empty()) return false;
    const auto creg = std::ranges::find(m_circuit.cregs, steps[0].index, &Register::first);
    if (creg == m_circuit.cregs.end() || creg->size != steps[0].type.width) return false;
    // A single bit may be tested by itself; otherwise conversions that lose nothing, a number and `==`.
    const bool alone = creg->size == 1 && std::ranges::all_of(steps.begin() + 1, steps.end(), [](const ClassicalStep& step) {
        return step.op == ClassicalOp::Cast || step.op == ClassicalOp::Not;
    });
    std::uint64_t wanted = 1;
    if (!alone) {
        const std::size_t count = steps.size();
        if (count < 3 || steps[count - 1].op != ClassicalOp::Equal || steps[count - 2].op != ClassicalOp::Constant) return false;
        for (std::size_t i = 1; i + 2 < count; ++i)
            if (steps[i].op != ClassicalOp::Cast || steps[i].type.width < creg->size || steps[i].type.kind == ScalarKind::Bool) return false;
        wanted = steps[count - 2].value.word & (creg->size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << creg->size) - 1);
    } else if (std::ranges::count(steps, ClassicalOp::Not, &ClassicalStep::op) % 2 == 1) {
        wanted = 0;
    }
    ClassicalMemory memory;
    memory.clbits.resize(static_cast<std::size_t>(m_circuit.clbits));
    for (int i = 0; i < creg->size; ++i) memory.clbits[static_cast<std::size_t>(creg->first + i)] = wanted >> i & 1;
    const auto holds = evaluate(condition.code, memory);
    if (!holds || !holds->isTrue()) return false; // a number that the register never is
    for (const Operation& operation : body) {
        const auto* measure = std::get_if<MeasureOp>(&operation.what);
        const bool writes = measure && measure->clbit >= creg->first && measure->clbit < creg->first + creg->size;
        if (operation.condition || writes || std::holds_alternative<ControlOp>(operation.what)) return false;
    }
    for (Operation& operation : body)
        operation.condition = Condition{static_cast<int>(creg - m_circuit.cregs.begin()), wanted};
    return true;
}

Compiler::Flow Compiler::branch(const Value& condition, const Body& then, const Body* otherwise, const SourceSpan& span) {
    if (condition.known) {
        if (condition.known->isTrue()) return run(then);
        return otherwise ? run(*otherwise) : Flow::Next;
    }
    if (m_opening > 0) {
        error(span, "what a gate does cannot depend on what is not known when the circuit is built");
        return Flow::Next;
    }
    m_span = span;
    demote(then);
    if (otherwise) demote(*otherwise);
    auto first = runtimeBody(then);
    std::vector<Operation> second;
    if (otherwise) second = runtimeBody(*otherwise);
    m_span = span;
    if (second.empty() && asConditions(condition, first)) {
        m_into->insert(m_into->end(), std::make_move_iterator(first.begin()), std::make_move_iterator(first.end()));
        return Flow::Next;
    }
    if (first.empty() && second.empty()) return Flow::Next;
    Control control;
    control.kind = Control::Kind::If;
    control.value = codeOf(condition);
    control.label = "if " + expressionText(control.value, m_circuit);
    control.bodies.push_back(std::move(first));
    if (!second.empty()) control.bodies.push_back(std::move(second));
    emitControl(std::move(control), span);
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const If& statement) {
    const SourceSpan span = m_span;
    const auto condition = value(*statement.condition);
    if (!condition) return Flow::Next;
    if (condition->known && condition->type.kind == ScalarKind::Duration) error(statement.condition->span, "a duration is no condition");
    return branch(*condition, *statement.then, statement.otherwise.get(), span);
}

bool Compiler::leavesAtRunTime(const Body& body, const Expression* condition) {
    return leavesLater(
        body, condition,
        [this](std::string_view name) {
            const Symbol* symbol = find(name);
            if (!symbol) return false;
            return symbol->kind == Symbol::Kind::Kept ||
                   (symbol->kind == Symbol::Kind::Variable && !(symbol->variable.known && symbol->variable.known->known));
        },
        [this](std::string_view name) { return m_functions.contains(name); });
}

Compiler::Flow Compiler::execute(const For& statement) {
    const SourceSpan span = m_span;
    const auto values = sequence(*statement.range);
    if (!values) return Flow::Next;
    ScalarType type{ScalarKind::Int, 64};
    if (statement.type) {
        const auto given = typeOf(*statement.type);
        if (!given) return Flow::Next;
        type = *given;
    }
    const bool runtime = m_opening == 0 && leavesAtRunTime(*statement.body, nullptr);
    Control control;
    if (runtime) demote(*statement.body);
    m_loops.push_back({m_depth + (runtime ? 1 : 0), runtime});
    m_scopes.emplace_back(); // hides what the loop variable hides
    (void)declare(statement.variable);
    const Count count = countOf(*statement.body, sizesHere(*statement.body));
    const Uncounted uncounted(*this, count.certain && !runtime, span);
    const bool fits = reserve(values->size(), std::max<std::uint64_t>(count.operations, 1));
    m_scopes.pop_back();
    if (!fits) {
        m_loops.pop_back();
        return Flow::Next;
    }
    Flow flow = Flow::Next;
    for (const std::int64_t each : *values) {
        if (m_messages.stopped()) break;
        m_scopes.emplace_back();
        const auto given = checked(cast(constant(Scalar::integer(each)), type), statement.range->span);
        if (Symbol* symbol = given ? declare(statement.variable) : nullptr) {
            symbol->variable.name = statement.variable;
            symbol->variable.type = type;
            symbol->variable.known = *given;
            symbol->variable.constant = true;
            const std::uint64_t operations = m_operations;
            if (runtime) {
                m_span = span;
                control.bodies.push_back(runtimeBody(*statement.body));
            } else {
                flow = run(*statement.body);
            }
            if (m_operations == operations && !charge(1)) flow = Flow::End;
        }
        m_scopes.pop_back();
        if (flow == Flow::Break || flow == Flow::Return || flow == Flow::End || flow == Flow::Dead || !given) break;
        flow = Flow::Next;
    }
    m_loops.pop_back();
    if (runtime) {
        control.kind = Control::Kind::Block;
        control.label = fmt::format("for {}", statement.variable.text);
        emitControl(std::move(control), span);
    }
    return flow == Flow::Break || flow == Flow::Continue ? Flow::Next : flow;
}

Compiler::Flow Compiler::execute(const While& statement) {
    const SourceSpan span = m_span;
    if (!leavesAtRunTime(*statement.body, statement.condition.get())) {
        const Uncounted uncounted(*this, false, span);
        m_loops.push_back({m_depth, false});
        Flow flow = Flow::Next;
        while (!m_messages.stopped()) {
            const auto condition = value(*statement.condition);
            if (!condition || !condition->known || !condition->known->isTrue()) break;
            if (!charge(1)) break;
            flow = run(*statement.body);
            if (flow == Flow::Break || flow == Flow::Return || flow == Flow::End || flow == Flow::Dead) break;
            flow = Flow::Next;
        }
        m_loops.pop_back();
        return flow == Flow::Break || flow == Flow::Continue ? Flow::Next : flow;
    }
    demote(*statement.body);
    const auto condition = value(*statement.condition);
    if (!condition) return Flow::Next;
    Control control;
    control.kind = Control::Kind::While;
    control.value = codeOf(*condition);
    control.label = "while " + expressionText(control.value, m_circuit);
    m_loops.push_back({m_depth + 1, true});
    control.bodies.push_back(runtimeBody(*statement.body));
    m_loops.pop_back();
    emitControl(std::move(control), span);
    return Flow::Next;
}

/// A chain of comparisons: the value is compared with each case's values in turn, the first that fits runs.
Compiler::Flow Compiler::execute(const Switch& statement) {
    const SourceSpan span = m_span;
    const auto subject = value(*statement.value);
    if (!subject) return Flow::Next;
    std::vector<std::pair<std::optional<Value>, const Body*>> choices;
    std::set<std::int64_t> seen;
    for (const SwitchCase& each : statement.cases) {
        std::optional<Value> any;
        for (const auto& each_value : each.values) {
            const auto wanted = integer(*each_value, "a case");
            if (!wanted) return Flow::Next;
            if (!seen.insert(*wanted).second) {
                error(each_value->span, fmt::format("there is a case {} already", *wanted));
                return Flow::Next;
            }
            auto same = checked(binary(ClassicalOp::Equal, *subject, constant(Scalar::integer(*wanted))), span);
            if (any && same) any = checked(binary(ClassicalOp::LogicalOr, *any, *same), span);
            else any = std::move(same);
            if (!any) return Flow::Next;
        }
        choices.emplace_back(std::move(any), each.body.get());
    }
    if (subject->known) {
        for (const auto& [fits, body] : choices)
            if (!fits || fits->known->isTrue()) return run(*body);
        return Flow::Next;
    }
    if (m_opening > 0) {
        error(span, "what a gate does cannot depend on what is not known when the circuit is built");
        return Flow::Next;
    }
    for (const auto& [fits, body] : choices) demote(*body);
    std::vector<Operation> otherwise;
    for (std::size_t i = choices.size(); i-- > 0;) {
        const auto& [fits, body] = choices[i];
        auto operations = runtimeBody(*body);
        if (!fits) {
            otherwise = std::move(operations);
            continue;
        }
        Control control;
        control.kind = Control::Kind::If;
        control.value = codeOf(*fits);
        control.label = "if " + expressionText(control.value, m_circuit);
        control.bodies.push_back(std::move(operations));
        if (!otherwise.empty()) control.bodies.push_back(std::move(otherwise));
        otherwise.clear();
        auto* const before = std::exchange(m_into, &otherwise);
        emitControl(std::move(control), span);
        m_into = before;
    }
    for (Operation& operation : otherwise) m_into->push_back(std::move(operation));
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const Jump& jump) {
    Control control;
    if (jump.kind == Jump::Kind::End) {
        if (m_opening > 0) error(m_span, "'end' cannot stand in a gate");
        if (m_depth == 0) return Flow::End;
        control.kind = Control::Kind::End;
        control.label = "end";
        emitControl(std::move(control), m_span);
        return Flow::Dead;
    }
    const bool leaves = jump.kind == Jump::Kind::Break;
    const char* word = leaves ? "break" : "continue";
    if (m_loops.size() <= (m_calls.empty() ? 0 : m_calls.back().loops)) {
        error(m_span, fmt::format("'{}' stands in no loop", word));
        return Flow::Next;
    }
    const Loop& loop = m_loops.back();
    if (!loop.runtime) {
        if (m_depth == loop.depth) return leaves ? Flow::Break : Flow::Continue;
        error(m_span, fmt::format("this '{}' depends on a measurement in a way that is not followed", word));
        return Flow::Next;
    }
    control.kind = leaves ? Control::Kind::Break : Control::Kind::Continue;
    control.label = word;
    emitControl(std::move(control), m_span);
    return Flow::Dead;
}

} // namespace qscope::engine::qasm3
