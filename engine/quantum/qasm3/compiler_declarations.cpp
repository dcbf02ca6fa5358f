// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <numeric>

namespace qscope::engine::qasm3 {

void Compiler::declareQubits(const Declaration& declaration) {
    const Name& name = declaration.name;
    std::int64_t size = 1;
    if (declaration.type.width) {
        const auto given = integer(*declaration.type.width, "a register's size");
        if (!given) return;
        size = *given;
    }
    if (m_scopes.size() > 1) return error(name.span, "qubits are declared on the outermost level");
    if (size < 1) return error(name.span, fmt::format("register '{}' has no qubits", name.text));
    if (static_cast<std::uint64_t>(size) > m_limits.qubits - static_cast<std::uint64_t>(m_circuit.qubits))
        return m_messages.fatal(name.span, fmt::format("register '{}' makes more than {} qubits, which is the limit", name.text,
                                                       m_limits.qubits));
    Symbol* symbol = declare(name);
    if (!symbol) return;
    std::vector<int> list(static_cast<std::size_t>(size));
    std::iota(list.begin(), list.end(), m_circuit.qubits);
    symbol->kind = Symbol::Kind::Qubits;
    symbol->qubits = std::make_shared<const std::vector<int>>(std::move(list));
    symbol->single = !declaration.type.width;
    m_circuit.qregs.push_back({std::string(name.text), m_circuit.qubits, static_cast<int>(size)});
    m_circuit.qubits += static_cast<int>(size);
}

/// Arrays and complex numbers: kept so that the rest can be read; a run that meets them is refused.
void Compiler::declareKept(const Declaration& declaration) {
    Symbol kept;
    kept.kind = Symbol::Kind::Kept;
    const bool array = declaration.type.kind == TypeKind::Array;
    kept.what = fmt::format("{} '{}'", array ? "array" : "complex number", declaration.name.text);
    if (array && declaration.type.element->kind != TypeKind::Complex) {
        const auto element = typeOf(*declaration.type.element);
        if (!element) return;
        kept.type = *element;
    }
    for (const auto& extent : declaration.type.extents) {
        const auto size = integer(*extent, "an extent");
        if (!size) return;
        kept.extents.push_back(*size);
    }
    m_messages.once(Severity::Note, declaration.name.span, fmt::format("{} is not simulated: line {}", kept.what, m_span.line));
    if (Symbol* symbol = declare(declaration.name)) *symbol = std::move(kept);
}

Compiler::Flow Compiler::execute(const Declaration& declaration) {
    using Role = Declaration::Role;
    const TypeKind kind = declaration.type.kind;
    if (kind == TypeKind::Qubit) declareQubits(declaration);
    if (kind == TypeKind::Array || kind == TypeKind::Complex) declareKept(declaration);
    if (kind == TypeKind::Qubit || kind == TypeKind::Array || kind == TypeKind::Complex) return Flow::Next;

    const auto type = typeOf(declaration.type);
    if (!type) return Flow::Next;
    const bool measures = declaration.value && declaration.value->kind == ExpressionKind::Measure;
    std::optional<Value> initial;
    if (declaration.value && !measures) {
        initial = value(*declaration.value, true);
        if (initial) initial = checked(cast(*initial, *type), declaration.value->span);
    }
    Symbol* symbol = declare(declaration.name);
    if (!symbol) return Flow::Next;
    Variable& variable = symbol->variable;
    variable.name = declaration.name;
    variable.type = *type;
    variable.depth = m_depth;
    variable.outermost = m_scopes.size() == 1;
    if (declaration.role == Role::Constant) {
        variable.constant = true;
        if (initial && !initial->known)
            error(declaration.value->span, fmt::format("'{}' is a constant, but its value is not known here", declaration.name.text));
        // After an error too the name stands for something.
        variable.known = initial && initial->known ? *initial : constant(Scalar{*type, 0, 0});
        return Flow::Next;
    }
    if (declaration.role == Role::Input) {
        if (!variable.outermost) error(declaration.name.span, "inputs are declared on the outermost level");
        if (type->kind == ScalarKind::Bits && type->width > 64) {
            error(declaration.name.span, "an input has at most 64 bits");
            return Flow::Next;
        }
        // An angle may be any number: it goes around by itself.
        const bool angle = type->kind == ScalarKind::Angle;
        m_circuit.inputs.push_back({std::string(declaration.name.text), angle ? ScalarType{} : *type, declaration.name.span});
        variable.known = operand({ClassicalOp::Input, m_circuit.inputs.back().type, static_cast<int>(m_circuit.inputs.size()) - 1, {}});
        variable.type = m_circuit.inputs.back().type;
        variable.constant = true;
        m_names.insert(std::string(declaration.name.text));
        return Flow::Next;
    }
    if (type->kind == ScalarKind::Bits) {
        variable.outcome = variable.outermost && !declaration.local;
        if (variable.outermost) variable.first = newRegister(std::string(declaration.name.text), type->width, declaration.local);
        if (variable.outermost && variable.first < 0) return Flow::Next;
    } else if (!declaration.value) {
        // What the language leaves undefined is zero here; a stretch has no length that could be known.
        variable.known = constant({*type, 0, kind == TypeKind::Stretch ? std::numeric_limits<double>::quiet_NaN() : 0});
    }
    if (measures) {
        const auto from = measured(*declaration.value->parts.front());
        if (!from) return Flow::Next;
        const int wanted = type->kind == ScalarKind::Bits ? type->width : 1;
        if (static_cast<int>(from->size()) != wanted || (type->kind != ScalarKind::Bits && type->kind != ScalarKind::Bool)) {
            error(declaration.value->span, fmt::format("{} qubit{} cannot be measured into {}", from->size(),
                                                       from->size() == 1 ? "" : "s", spelling(*type)));
            return Flow::Next;
        }
        give(variable);
        Bits to;
        to.variable = &variable;
        for (int i = 0; i < wanted; ++i) to.positions.push_back(i);
        measure(*from, to, m_span);
    } else if (initial) {
        store(variable, *initial, declaration.value->span);
    } else if (type->kind == ScalarKind::Bits && !variable.outermost) {
        give(variable);
    }
    return Flow::Next;
}

Compiler::Flow Compiler::execute(const Assignment& assignment) {
    const Expression& target = *assignment.target;
    if (assignment.value->kind == ExpressionKind::Measure) {
        const auto from = measured(*assignment.value->parts.front());
        if (!from) return Flow::Next;
        const auto to = bits(target);
        if (to) measure(*from, *to, m_span);
        return Flow::Next;
    }
    const Expression* base = &target;
    while (base->kind == ExpressionKind::Index) base = base->parts.front().get();
    Symbol* symbol = base->kind == ExpressionKind::Name ? find(base->text) : nullptr;
    if (!symbol) {
        unknownName({base->text, base->span}, "variable");
        return Flow::Next;
    }
    auto given = value(*assignment.value, !assignment.op);
    if (!given) return Flow::Next;
    if (symbol->kind == Symbol::Kind::Kept) {
        (void)kept(*symbol, m_span);
        return Flow::Next;
    }
    if (symbol->kind == Symbol::Kind::Qubits || symbol->variable.constant) {
        error(base->span, fmt::format("'{}' cannot be assigned to: it is {}", base->text,
                                      symbol->kind == Symbol::Kind::Qubits ? "made of qubits"
                                      : symbol->variable.known->known      ? "a constant"
                                                                           : "an input"));
        return Flow::Next;
    }
    if (assignment.op) {
        const auto before = value(target);
        if (!before) return Flow::Next;
        given = checked(binary(*assignment.op, *before, *given), m_span);
        if (!given) return Flow::Next;
    }
    Variable& variable = symbol->variable;
    if (target.kind == ExpressionKind::Name) {
        if (variable.type.kind == ScalarKind::Bits && variable.type.width > 64) {
            error(m_span, fmt::format("'{}' has {} bits; values have at most 64", base->text, variable.type.width));
            return Flow::Next;
        }
        store(variable, *given, assignment.value->span);
        return Flow::Next;
    }
    // Bits of a variable, one by one.
    auto places = bits(target);
    if (!places) return Flow::Next;
    given = checked(cast(*given, {ScalarKind::Bits, static_cast<int>(places->positions.size())}), assignment.value->span);
    if (!given) return Flow::Next;
    for (std::size_t i = 0; i < places->positions.size(); ++i) {
        auto shifted = checked(binary(ClassicalOp::ShiftRight, *given, constant(Scalar::integer(static_cast<std::int64_t>(i)))), m_span);
        const auto bit = shifted ? checked(cast(*shifted, {ScalarKind::Bits, 1}), m_span) : std::nullopt;
        if (!bit) return Flow::Next;
        putBit(variable, places->positions[i], *bit, m_span);
    }
    return Flow::Next;
}

/// One bit of a variable.
void Compiler::putBit(Variable& variable, int position, const Value& bit, const SourceSpan& span) {
    if (variable.type.kind == ScalarKind::Bits && (variable.type.width > 64 || !variable.known || variable.outcome)) {
        const bool known = variable.known && !bit.measured && m_depth == variable.depth;
        if (!known || variable.type.width > 64) variable.known.reset();
        give(variable);
        if (variable.first < 0) return;
        assign({ClassicalOp::Bits, {ScalarKind::Bits, 1}, variable.first + position, {}}, bit, span);
        if (!variable.known) return;
    }
    // word & ~(1 << position) | bit << position
    const ScalarType type = variable.type;
    const ScalarType word{ScalarKind::Bits, type.width};
    const auto whole = checked(cast(load(variable), word), span);
    if (!whole) return;
    const auto step = constant({word, ~(std::uint64_t{1} << position) & (type.width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << type.width) - 1), 0});
    const auto cleared = checked(binary(ClassicalOp::And, *whole, step), span);
    const auto wide = checked(cast(bit, word), span);
    if (!cleared || !wide) return;
    const auto moved = position == 0 ? wide : checked(binary(ClassicalOp::ShiftLeft, *wide, constant(Scalar::integer(position))), span);
    const auto joined = moved ? checked(binary(ClassicalOp::Or, *cleared, *moved), span) : std::nullopt;
    if (!joined) return;
    if (variable.outcome) variable.known = *joined;
    else store(variable, *joined, span);
}

} // namespace qscope::engine::qasm3
