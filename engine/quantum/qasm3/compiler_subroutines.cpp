// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qscope::engine::qasm3 {

void Compiler::define(Subroutine subroutine) {
    const Name name = subroutine.name;
    if (m_functions.contains(name.text)) return error(name.span, fmt::format("there is a subroutine '{}' already", name.text));
    if (subroutine.parameters.size() > 1000) return error(name.span, "a subroutine has at most 1000 arguments");
    Function function;
    if (!subroutine.body)
        m_messages.once(Severity::Note, name.span, fmt::format("extern '{}' is not simulated: line {}", name.text, name.span.line));
    else {
        function.count = countOf(*subroutine.body, [&](std::string_view text) -> std::optional<std::uint64_t> {
            const auto found = std::ranges::find(subroutine.parameters, text, [](const SubroutineParameter& each) { return each.name.text; });
            if (found == subroutine.parameters.end() || found->type.width) return std::nullopt;
            return 1;
        });
        function.count.operations = std::max<std::uint64_t>(function.count.operations, 1);
    }
    function.source = std::move(subroutine);
    m_functions.emplace(name.text, std::move(function));
}

bool Compiler::bindArgument(const SubroutineParameter& parameter, const Expression& argument, Scope& into) {
    Symbol symbol;
    if (parameter.type.kind == TypeKind::Qubit) {
        auto found = qubits(argument);
        if (!found) return false;
        const auto wanted = parameter.type.width ? integer(*parameter.type.width, "a size") : std::optional<std::int64_t>(1);
        if (!wanted) return false;
        if (static_cast<std::int64_t>(found->qubits->size()) != *wanted) {
            error(argument.span, fmt::format("'{}' is {} qubit{}, not {}", parameter.name.text, *wanted, *wanted == 1 ? "" : "s",
                                             found->qubits->size()));
            return false;
        }
        if (!charge(found->qubits->size() / 64)) return false;
        symbol = std::move(*found);
        symbol.single = !parameter.type.width;
    } else if (parameter.type.kind == TypeKind::Array || parameter.type.kind == TypeKind::Complex) {
        symbol.kind = Symbol::Kind::Kept;
        symbol.what = fmt::format("array '{}'", parameter.name.text);
    } else {
        const auto type = typeOf(parameter.type);
        const auto given = type ? value(argument) : std::nullopt;
        const auto fitted = given ? checked(cast(*given, *type), argument.span) : std::nullopt;
        if (!fitted) return false;
        Variable& variable = symbol.variable;
        variable.name = parameter.name;
        variable.type = *type;
        variable.depth = m_depth;
        // A copy: what the body does to it stays inside, and what is measured later does not change it.
        store(variable, *fitted, argument.span);
    }
    if (!into.emplace(parameter.name.text, std::move(symbol)).second) {
        error(parameter.name.span, fmt::format("'{}' is named twice", parameter.name.text));
        return false;
    }
    return true;
}

/// A scope, a frame and its arguments cost as much as some plain statements.
constexpr std::uint64_t kCallSteps = 8;

std::optional<Value> Compiler::call(Function& function, const std::vector<const Expression*>& arguments, const SourceSpan& span,
                                    bool whole) {
    const Subroutine& source = function.source;
    const std::string_view name = source.name.text;
    if (m_opening > 0) {
        error(span, "a gate cannot call a subroutine");
        return std::nullopt;
    }
    if (function.open) {
        error(span, fmt::format("'{}' calls itself", name));
        return std::nullopt;
    }
    if (arguments.size() != source.parameters.size()) {
        error(span, fmt::format("'{}' takes {} argument{}, not {}", name, source.parameters.size(),
                                source.parameters.size() == 1 ? "" : "s", arguments.size()));
        return std::nullopt;
    }
    if (m_calls.size() >= static_cast<std::size_t>(m_limits.nestingDepth)) {
        error(span, fmt::format("subroutines call each other deeper than {}", m_limits.nestingDepth));
        return std::nullopt;
    }
    std::optional<ScalarType> type;
    if (source.result) {
        type = typeOf(*source.result);
        if (!type) return std::nullopt;
    }
    if (!source.body) {
        Symbol external;
        external.what = fmt::format("extern '{}'", name);
        external.type = type.value_or(ScalarType{ScalarKind::Bool, 1});
        for (const Expression* argument : arguments)
            if (!value(*argument)) return std::nullopt;
        return kept(external, span);
    }
    const Uncounted uncounted(*this, function.count.certain, span);
    if (!charge(kCallSteps) || !reserve(function.count.operations, 1)) return std::nullopt;
    Scope scope;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        if (!bindArgument(source.parameters[i], *arguments[i], scope)) return std::nullopt;

    Call frame;
    frame.depth = m_depth;
    frame.loops = m_loops.size();
    frame.site = span;
    if (type) {
        Variable result;
        result.name = {name, span};
        result.type = *type;
        result.depth = m_depth;
        frame.result = std::move(result);
    }
    m_calls.push_back(std::move(frame));
    const std::size_t base = std::exchange(m_base, m_scopes.size());
    m_scopes.push_back(std::move(scope));
    std::vector<Operation> operations;
    auto* const into = std::exchange(m_into, &operations);
    function.open = true;
    const Flow flow = run(*source.body, false);
    function.open = false;
    m_into = into;
    m_scopes.pop_back();
    m_base = base;
    frame = std::move(m_calls.back());
    m_calls.pop_back();
    m_ended = m_ended || flow == Flow::End;
    m_span = span;

    if (frame.leaves) {
        Control control;
        control.kind = Control::Kind::Call;
        control.label = fmt::format("{}()", name);
        control.bodies.push_back(std::move(operations));
        emitControl(std::move(control), span);
    } else {
        m_into->insert(m_into->end(), std::make_move_iterator(operations.begin()), std::make_move_iterator(operations.end()));
    }
    if (!type) return constant(Scalar::boolean(false));
    if (!frame.returned) {
        if (!m_messages.failed()) error(span, fmt::format("'{}' ends without the value that it promises", name));
        return std::nullopt;
    }
    Value result = load(*frame.result);
    if (whole || !result.measured) return result;
    // The rest of a larger expression may call again and write over it.
    Variable copy;
    copy.name = {"copy", {span.begin + 1, span.end, span.line, span.column}};
    copy.type = *type;
    copy.depth = m_depth;
    store(copy, result, span);
    return copy.known || copy.slot >= 0 || copy.first >= 0 ? std::optional(load(copy)) : std::nullopt;
}

Compiler::Flow Compiler::execute(const Return& statement) {
    if (m_calls.empty()) {
        error(m_span, "'return' stands in no subroutine");
        return Flow::Next;
    }
    Call& frame = m_calls.back();
    const SourceSpan span = m_span;
    if (!statement.value != !frame.result) {
        error(span, frame.result ? "this subroutine returns a value" : "this subroutine returns no value");
        return Flow::Return;
    }
    const bool later = m_depth > frame.depth;
    frame.leaves = frame.leaves || later;
    if (statement.value) {
        const auto given = value(*statement.value, true);
        // The frame may have moved: the value may have called others.
        Call& again = m_calls.back();
        if (!given) return Flow::Return;
        auto fitted = checked(cast(*given, again.result->type), statement.value->span);
        if (!fitted) return Flow::Return;
        again.returned = true;
        if (again.leaves) {
            // Whichever return a run meets writes to the same place.
            give(*again.result);
            again.result->known.reset();
            if (again.result->slot >= 0 || again.result->first >= 0) assign(place(*again.result), *fitted, span);
        } else {
            again.result->known = std::move(*fitted);
        }
    }
    if (!later) return Flow::Return;
    Control control;
    control.kind = Control::Kind::Return;
    control.label = "return";
    emitControl(std::move(control), span);
    return Flow::Dead;
}

} // namespace qscope::engine::qasm3
