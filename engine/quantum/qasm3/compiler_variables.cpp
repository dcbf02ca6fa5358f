// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>

namespace qscope::engine::qasm3 {

std::optional<ScalarType> Compiler::typeOf(const Type& type) {
    const auto width = [&](int usual, int most) -> std::optional<int> {
        if (!type.width) return usual;
        const auto size = integer(*type.width, "a size");
        if (!size) return std::nullopt;
        if (*size < 1 || *size > most) {
            error(type.width->span, fmt::format("a size of {}; 1 to {} are possible here", *size, most));
            return std::nullopt;
        }
        return static_cast<int>(*size);
    };
    const auto sized = [&](ScalarKind kind, int usual, int most) -> std::optional<ScalarType> {
        const auto found = width(usual, most);
        if (!found) return std::nullopt;
        return ScalarType{kind, *found};
    };
    switch (type.kind) {
    case TypeKind::Bit: return sized(ScalarKind::Bits, 1, static_cast<int>(m_limits.qubits));
    case TypeKind::Bool: return ScalarType{ScalarKind::Bool, 1};
    case TypeKind::Int: return sized(ScalarKind::Int, 64, 64);
    case TypeKind::Uint: return sized(ScalarKind::Uint, 64, 64);
    case TypeKind::Angle: return sized(ScalarKind::Angle, 64, 64);
    case TypeKind::Float: return sized(ScalarKind::Float, 64, 64) ? std::optional(ScalarType{}) : std::nullopt;
    case TypeKind::Duration:
    case TypeKind::Stretch: return ScalarType{ScalarKind::Duration, 64};
    default: error(type.span, "this type is not possible here"); return std::nullopt;
    }
}

int Compiler::newRegister(const std::string& name, int size, bool local) {
    if (static_cast<std::uint64_t>(size) > m_limits.qubits - static_cast<std::uint64_t>(m_circuit.clbits)) {
        m_messages.fatal(m_span, fmt::format("register '{}' makes more than {} classical bits, which is the limit", name,
                                             m_limits.qubits));
        return -1;
    }
    std::string unique = name;
    for (int k = 2; m_names.contains(unique); ++k) unique = fmt::format("{}_{}", name, k);
    m_names.insert(unique);
    m_circuit.cregs.push_back({std::move(unique), m_circuit.clbits, size, local});
    m_circuit.clbits += size;
    return m_circuit.clbits - size;
}

/// Nothing is declared twice in one run of a program without recursion: each place in the text has one storage.
int Compiler::siteRegister(std::size_t site, const std::string& name, int size) {
    const auto [place, fresh] = m_sites.try_emplace({site, size}, -1);
    if (fresh) place->second = newRegister(name, size, true);
    return place->second;
}

/// Makes sure that the circuit has a place for the variable.
void Compiler::give(Variable& variable) {
    const std::string name = (variable.outermost ? "" : "_") + std::string(variable.name.text);
    const std::size_t site = variable.name.span.begin;
    if (variable.type.kind == ScalarKind::Bits) {
        if (variable.first < 0) variable.first = siteRegister(site, name, variable.type.width);
        return;
    }
    if (variable.slot >= 0) return;
    const auto [place, fresh] = m_slots.try_emplace(site, -1);
    if (fresh) {
        std::string unique = name;
        for (int k = 2; m_names.contains(unique); ++k) unique = fmt::format("{}_{}", name, k);
        m_names.insert(unique);
        place->second = static_cast<int>(m_circuit.variables.size());
        m_circuit.variables.push_back({std::move(unique), variable.type});
    }
    variable.slot = place->second;
}

ClassicalStep Compiler::place(const Variable& variable) {
    const bool bits = variable.type.kind == ScalarKind::Bits;
    return {bits ? ClassicalOp::Bits : ClassicalOp::Variable, variable.type, bits ? variable.first : variable.slot, {}};
}

Value Compiler::load(const Variable& variable) { return variable.known ? *variable.known : operand(place(variable)); }

void Compiler::assign(const ClassicalStep& target, const Value& value, const SourceSpan& span) {
    Control control;
    control.kind = Control::Kind::Assign;
    control.target = target;
    control.value = codeOf(value);
    control.label = fmt::format("{} = {}", expressionText({{target}}, m_circuit), expressionText(control.value, m_circuit));
    emitControl(std::move(control), span);
}

void Compiler::store(Variable& variable, const Value& value, const SourceSpan& span) {
    auto fitted = checked(cast(value, variable.type), span);
    if (!fitted) return;
    // Known here and now, whatever a run does: inside a run-time body only for what was declared in it.
    const bool certain = m_depth == variable.depth && !fitted->measured;
    if (!certain || variable.outcome) {
        give(variable);
        if (variable.slot < 0 && variable.first < 0) return;
        assign(place(variable), *fitted, span);
    }
    if (certain) variable.known = std::move(*fitted);
    else variable.known.reset();
}

namespace {

void assignedIn(const Body& body, std::vector<std::string_view>& names);

void assignedIn(const std::shared_ptr<const Body>& body, std::vector<std::string_view>& names) {
    if (body) assignedIn(*body, names);
}

std::string_view baseName(const Expression* target) {
    while (target && target->kind == ExpressionKind::Index) target = target->parts.front().get();
    return target ? target->text : std::string_view{};
}

void assignedIn(const Body& body, std::vector<std::string_view>& names) {
    for (const Statement& statement : body) {
        if (const auto* assignment = std::get_if<Assignment>(&statement.what)) names.push_back(baseName(assignment->target.get()));
        else if (const auto* measurement = std::get_if<Measurement>(&statement.what)) names.push_back(baseName(measurement->to.get()));
        else if (const auto* branch = std::get_if<If>(&statement.what)) {
            assignedIn(branch->then, names);
            assignedIn(branch->otherwise, names);
        } else if (const auto* loop = std::get_if<For>(&statement.what)) assignedIn(loop->body, names);
        else if (const auto* repeat = std::get_if<While>(&statement.what)) assignedIn(repeat->body, names);
        else if (const auto* block = std::get_if<Block>(&statement.what)) assignedIn(block->body, names);
        else if (const auto* choice = std::get_if<Switch>(&statement.what))
            for (const SwitchCase& each : choice->cases) assignedIn(each.body, names);
    }
}

} // namespace

/// Moves into the circuit whatever the body assigns to, for a run may skip or repeat it.
void Compiler::demote(const Body& body) {
    std::vector<std::string_view> names;
    assignedIn(body, names);
    for (const std::string_view name : names) {
        Symbol* symbol = find(name);
        if (!symbol || symbol->kind != Symbol::Kind::Variable || symbol->variable.constant || !symbol->variable.known) continue;
        Variable& variable = symbol->variable;
        const Value before = *variable.known;
        variable.known.reset();
        if (variable.outcome) continue; // written already
        give(variable);
        if (variable.slot >= 0 || variable.first >= 0) assign(place(variable), before, m_span);
    }
}

} // namespace qscope::engine::qasm3
