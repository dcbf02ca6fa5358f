// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine::qasm3 {

/// The qubits that an operand or the right side of `let` names.
std::optional<Compiler::Symbol> Compiler::qubits(const Expression& expression) {
    Symbol result;
    result.kind = Symbol::Kind::Qubits;
    if (expression.kind == ExpressionKind::HardwareQubit) {
        result.qubits = std::make_shared<const std::vector<int>>(std::vector{static_cast<int>(expression.integer)});
        result.single = true;
        return result;
    }
    if (expression.kind == ExpressionKind::Name) {
        const Symbol* symbol = find(expression.text);
        if (symbol && symbol->kind == Symbol::Kind::Qubits) return *symbol;
        if (symbol) error(expression.span, fmt::format("'{}' is not made of qubits", expression.text));
        else unknownName({expression.text, expression.span}, "qubit or quantum register");
        return std::nullopt;
    }
    if (expression.kind == ExpressionKind::Binary && expression.op == ClassicalOp::Concatenate) {
        const auto left = qubits(*expression.parts[0]);
        const auto right = left ? qubits(*expression.parts[1]) : std::nullopt;
        if (!right) return std::nullopt;
        auto list = *left->qubits;
        list.insert(list.end(), right->qubits->begin(), right->qubits->end());
        if (!charge(list.size() / 64)) return std::nullopt;
        auto sorted = list;
        std::ranges::sort(sorted);
        if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
            error(expression.span, fmt::format("{} is in here twice", qubitName(*twice)));
            return std::nullopt;
        }
        result.qubits = std::make_shared<const std::vector<int>>(std::move(list));
        return result;
    }
    if (expression.kind != ExpressionKind::Index) {
        error(expression.span, "expected qubits here");
        return std::nullopt;
    }
    const Expression& base = *expression.parts[0];
    const auto whole = qubits(base);
    if (!whole) return std::nullopt;
    const Expression& index = *expression.parts[1];
    if (whole->single || expression.parts.size() > 2) {
        error(expression.span, whole->single ? "a single qubit has no index" : "a register has one index");
        return std::nullopt;
    }
    const auto places = picked(index, static_cast<int>(whole->qubits->size()), base.text.empty() ? "this register" : base.text);
    if (!places) return std::nullopt;
    std::vector<int> list;
    list.reserve(places->size());
    for (const int place : *places) list.push_back((*whole->qubits)[static_cast<std::size_t>(place)]);
    if (index.kind == ExpressionKind::Set) {
        auto sorted = list;
        std::ranges::sort(sorted);
        if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
            error(expression.span, fmt::format("{} is in here twice", qubitName(*twice)));
            return std::nullopt;
        }
    }
    result.single = index.kind != ExpressionKind::Set && index.kind != ExpressionKind::Range;
    result.qubits = std::make_shared<const std::vector<int>>(std::move(list));
    return result;
}

std::optional<Compiler::Bits> Compiler::bits(const Expression& expression) {
    const bool indexed = expression.kind == ExpressionKind::Index;
    const Expression& base = indexed ? *expression.parts[0] : expression;
    Symbol* symbol = base.kind == ExpressionKind::Name ? find(base.text) : nullptr;
    if (!symbol) {
        unknownName({base.text, base.span}, "classical register");
        return std::nullopt;
    }
    if (symbol->kind == Symbol::Kind::Kept) {
        (void)kept(*symbol, expression.span);
        return std::nullopt;
    }
    Variable& variable = symbol->variable;
    const bool holds = symbol->kind == Symbol::Kind::Variable && !variable.constant && !variable.type.real();
    if (!holds) {
        error(base.span, symbol->kind == Symbol::Kind::Qubits ? fmt::format("'{}' is a quantum register, not a classical one", base.text)
                                                              : fmt::format("'{}' has no bits to write to", base.text));
        return std::nullopt;
    }
    Bits result;
    result.variable = &variable;
    if (!indexed) {
        if (variable.type.kind != ScalarKind::Bits && variable.type.kind != ScalarKind::Bool) {
            error(base.span, fmt::format("a measurement gives bits, not {}", spelling(variable.type)));
            return std::nullopt;
        }
        result.positions.resize(static_cast<std::size_t>(variable.type.width));
        std::iota(result.positions.begin(), result.positions.end(), 0);
        return result;
    }
    if (variable.type.kind == ScalarKind::Bool || expression.parts.size() > 2) {
        error(expression.span, fmt::format("'{}' has no bits with such indices", base.text));
        return std::nullopt;
    }
    auto places = picked(*expression.parts[1], variable.type.width, base.text);
    if (!places) return std::nullopt;
    result.positions = std::move(*places);
    return result;
}

std::optional<std::vector<int>> Compiler::measured(const Expression& from) {
    const auto found = qubits(from);
    return found ? std::optional(*found->qubits) : std::nullopt;
}

void Compiler::measure(const std::vector<int>& from, const Bits& to, const SourceSpan& span) {
    if (from.size() != to.positions.size()) {
        const auto plural = [](std::size_t n) { return n == 1 ? "" : "s"; };
        return error(span, fmt::format("{} qubit{} cannot be measured into {} classical bit{}", from.size(), plural(from.size()),
                                       to.positions.size(), plural(to.positions.size())));
    }
    if (!reserve(from.size(), 1)) return;
    Variable& variable = *to.variable;
    if (variable.type.kind == ScalarKind::Bits) {
        const std::optional<Value> before = variable.known;
        variable.known.reset();
        give(variable);
        if (variable.first < 0) return;
        // Bits beside the measured ones keep what was known about them.
        const bool all = to.positions.size() == static_cast<std::size_t>(variable.type.width);
        if (before && !variable.outcome && !all) assign(place(variable), *before, span);
        m_span = span;
        for (std::size_t i = 0; i < from.size(); ++i) emit({MeasureOp{from[i], variable.first + to.positions[i]}, {}, {}});
        return;
    }
    const int first = siteRegister(span.begin, "_m", static_cast<int>(from.size()));
    if (first < 0) return;
    m_span = span;
    for (std::size_t i = 0; i < from.size(); ++i) emit({MeasureOp{from[i], first + static_cast<int>(i)}, {}, {}});
    for (std::size_t i = 0; i < from.size(); ++i) {
        const Value bit = operand({ClassicalOp::Bits, {ScalarKind::Bits, 1}, first + static_cast<int>(i), {}});
        if (variable.type.kind == ScalarKind::Bool) store(variable, bit, span);
        else putBit(variable, to.positions[i], bit, span);
    }
}

Compiler::Flow Compiler::execute(const Measurement& measurement) {
    const auto from = measured(*measurement.from);
    if (!from) return Flow::Next;
    if (measurement.to) {
        const auto to = bits(*measurement.to);
        if (to) measure(*from, *to, m_span);
        return Flow::Next;
    }
    // Into nothing: the state collapses all the same.
    if (!reserve(from->size(), 1)) return Flow::Next;
    const int first = siteRegister(m_span.begin, "_m", static_cast<int>(from->size()));
    if (first < 0) return Flow::Next;
    for (std::size_t i = 0; i < from->size(); ++i) emit({MeasureOp{(*from)[i], first + static_cast<int>(i)}, {}, {}});
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const Reset& reset) {
    const auto target = qubits(*reset.target);
    if (!target || !reserve(target->qubits->size(), 1)) return Flow::Next;
    for (const int qubit : *target->qubits) emit({ResetOp{qubit}, {}, {}});
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const Barrier& barrier) {
    BarrierOp operation;
    if (barrier.operands.empty() && m_opening == 0) {
        operation.qubits.resize(static_cast<std::size_t>(m_circuit.qubits));
        std::iota(operation.qubits.begin(), operation.qubits.end(), 0);
    } else if (barrier.operands.empty()) {
        for (const auto& [name, symbol] : m_scopes[m_base])
            if (symbol.kind == Symbol::Kind::Qubits) operation.qubits.push_back(symbol.qubits->front());
    }
    for (const auto& operand : barrier.operands) {
        const auto found = qubits(*operand);
        if (!found) return Flow::Next;
        operation.qubits.insert(operation.qubits.end(), found->qubits->begin(), found->qubits->end());
    }
    std::ranges::sort(operation.qubits);
    operation.qubits.erase(std::unique(operation.qubits.begin(), operation.qubits.end()), operation.qubits.end());
    if (operation.qubits.empty() || !reserve(operation.qubits.size(), 1) || !spend(operation.qubits.size() - 1)) return Flow::Next;
    m_operations += operation.qubits.size() - 1;
    emit({std::move(operation), {}, {}});
    return Flow::Next;
}

/// A gate that does nothing for so many seconds.
Compiler::Flow Compiler::execute(const Delay& delay) {
    const auto length = value(*delay.duration);
    if (!length) return Flow::Next;
    if (length->type.kind != ScalarKind::Duration || !length->known) {
        error(delay.duration->span, length->known ? "a delay is a duration, such as 100ns" : "a delay must be known when the circuit is built");
        return Flow::Next;
    }
    const double seconds = length->known->real;
    if (!std::isfinite(seconds) || seconds < 0) {
        m_messages.once(Severity::Warning, delay.duration->span,
                        fmt::format("line {}: how long this delay takes is not known here (stretch, durationof, dt); it is left out",
                                    m_span.line));
        return Flow::Next;
    }
    std::vector<int> on(delay.operands.empty() ? static_cast<std::size_t>(m_circuit.qubits) : 0);
    std::iota(on.begin(), on.end(), 0);
    for (const auto& operand : delay.operands) {
        const auto found = qubits(*operand);
        if (!found) return Flow::Next;
        on.insert(on.end(), found->qubits->begin(), found->qubits->end());
    }
    if (!reserve(on.size(), 1)) return Flow::Next;
    for (const int qubit : on) emit({GateOp{"delay", {seconds}, {qubit}}, {}, {}});
    return Flow::Next;
}

} // namespace qscope::engine::qasm3
