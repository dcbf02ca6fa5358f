// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/builder.h"

#include "engine/quantum/qasm/spelling.h"

#include <fmt/format.h>

#include <algorithm>

namespace qscope::engine::qasm {

void Builder::add(const Statement& statement) {
    std::visit([this](const auto& each) { define(each); }, statement);
}

Circuit Builder::finish() {
    if (m_circuit.version.empty()) m_circuit.version = "2.0";
    if (m_circuit.qubits == 0 && !m_messages.failed()) m_messages.error({}, "the text declares no qubits");
    return std::move(m_circuit);
}

void Builder::define(const VersionStatement&) { m_circuit.version = "2.0"; }

void Builder::define(const IncludeStatement& statement) {
    if (statement.file.text == "qelib1.inc") {
        m_included = true;
        return;
    }
    if (statement.file.text == "stdgates.inc") {
        m_messages.fatal(statement.file.span, fmt::format("OpenQASM 3 is not read yet: line {}", statement.file.span.line));
        return;
    }
    m_messages.error(statement.file.span,
                     fmt::format("'{}' is not included: no file but \"qelib1.inc\" is, and that one is built in",
                                 statement.file.text.substr(0, 80)),
                     "copy the gates that it defines into this text");
}

void Builder::define(const RegisterStatement& statement) {
    const std::string_view name = statement.name.text;
    if (m_qregs.contains(name) || m_cregs.contains(name)) {
        m_messages.error(statement.name.span, fmt::format("there is a register '{}' already", name));
        return;
    }
    int& total = statement.quantum ? m_circuit.qubits : m_circuit.clbits;
    const char* unit = statement.quantum ? "qubits" : "classical bits";
    if (statement.size == 0) {
        m_messages.error(statement.name.span, fmt::format("register '{}' has no {}", name, unit));
        return;
    }
    if (statement.size > m_limits.qubits - static_cast<std::uint64_t>(total)) {
        m_messages.fatal(statement.name.span, fmt::format("register '{}' makes more than {} {}, which is the limit",
                                                          name, m_limits.qubits, unit));
        return;
    }
    auto& registers = statement.quantum ? m_circuit.qregs : m_circuit.cregs;
    (statement.quantum ? m_qregs : m_cregs).emplace(name, static_cast<int>(registers.size()));
    registers.push_back({std::string(name), total, static_cast<int>(statement.size)});
    total += static_cast<int>(statement.size);
}

void Builder::define(const ActionStatement& statement) {
    std::optional<Condition> condition;
    if (statement.condition) {
        const auto& [name, value] = *statement.condition;
        const auto found = m_cregs.find(name.text);
        if (found == m_cregs.end()) {
            m_messages.error(name.span, fmt::format("there is no classical register '{}'", name.text));
            return;
        }
        const int size = m_circuit.cregs[static_cast<std::size_t>(found->second)].size;
        if (size < 64 && value >> size != 0)
            m_messages.warning(name.span, fmt::format("'{}' has {} bit{} and is never {}", name.text, size,
                                                      size == 1 ? "" : "s", value));
        condition = Condition{found->second, value};
    }
    std::visit([&](const auto& each) { act(each, condition); }, statement.what);
}

std::optional<Builder::Wires> Builder::wires(const Argument& argument, bool quantum) {
    const auto& names = quantum ? m_qregs : m_cregs;
    const auto found = names.find(argument.name);
    if (found == names.end()) {
        const bool other = (quantum ? m_cregs : m_qregs).contains(argument.name);
        std::vector<std::string_view> known;
        if (names.size() <= 100)
            for (const auto& [name, index] : names) known.push_back(name);
        std::ranges::sort(known); // the map's order is not the same everywhere
        std::string closest = closestName(argument.name, known);
        if (!closest.empty()) closest = fmt::format("'{}'?", closest);
        m_messages.error(argument.span,
                         fmt::format("{} register '{}'{}", quantum ? "there is no quantum" : "there is no classical",
                                     argument.name, other ? (quantum ? "; it is a classical one" : "; it is a quantum one") : ""),
                         other ? std::string{} : closest);
        return std::nullopt;
    }
    const Register& reg = (quantum ? m_circuit.qregs : m_circuit.cregs)[static_cast<std::size_t>(found->second)];
    if (!argument.index) return Wires{reg.first, reg.size, true};
    if (*argument.index >= static_cast<std::uint64_t>(reg.size)) {
        m_messages.error(argument.span, fmt::format("'{}' has indices 0 to {}, not {}", reg.name, reg.size - 1,
                                                    *argument.index));
        return std::nullopt;
    }
    return Wires{reg.first + static_cast<int>(*argument.index), 1, false};
}

bool Builder::reserve(std::uint64_t count, std::uint64_t each, const SourceSpan& span) {
    if (each <= m_limits.operations && count * each <= m_limits.operations - m_operations) {
        m_operations += count * each;
        return true;
    }
    m_messages.fatal(span, fmt::format("the circuit has more than {} operations, which is the limit, once its gates are "
                                       "opened up", m_limits.operations));
    return false;
}

void Builder::act(const CallStatement& call, const std::optional<Condition>& condition) {
    const Callee callee = find(call.gate);
    if (!callee || !fits(callee, call.gate, call.parameters.size(), call.arguments.size())) return;
    std::vector<Expression> expressions = call.parameters;
    for (Expression& expression : expressions)
        if (!bindNames(expression, {})) return;
    const auto parameters = values(expressions, {}, call.span);
    if (!parameters) return;

    std::vector<Wires> all;
    int repeats = 1;
    bool whole = false;
    for (const Argument& argument : call.arguments) {
        const auto found = wires(argument, true);
        if (!found) return;
        if (found->whole && whole && found->count != repeats) {
            m_messages.error(argument.span, fmt::format("'{}' has {} qubits where the registers before it have {}",
                                                        argument.name, found->count, repeats));
            return;
        }
        if (found->whole) {
            whole = true;
            repeats = found->count;
        }
        all.push_back(*found);
    }
    if (!reserve(static_cast<std::uint64_t>(repeats), callee.own ? callee.own->operations : 1, call.span)) return;
    for (int repeat = 0; repeat < repeats; ++repeat) {
        std::vector<int> qubits;
        qubits.reserve(all.size());
        for (const Wires& one : all) qubits.push_back(one.first + (one.whole ? repeat : 0));
        if (qubits.size() > 1) {
            std::vector<int> sorted = qubits;
            std::ranges::sort(sorted);
            if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
                m_messages.error(call.span, fmt::format("'{}' gets {} twice", call.gate.text, nameOf(*twice)));
                return;
            }
        }
        auto operation = instance(callee, *parameters, std::move(qubits), call.span, call.span);
        if (!operation) return;
        operation->condition = condition;
        m_circuit.operations.push_back(std::move(*operation));
    }
}

void Builder::act(const MeasureStatement& measure, const std::optional<Condition>& condition) {
    const auto known = [this](std::string_view name) { return m_qregs.contains(name) || m_cregs.contains(name); };
    if (!known(measure.from.name) && !known(measure.to.name)) {
        // Published files end in measurements of registers that they never declare; nothing can depend on those.
        m_messages.warning(measure.span, fmt::format("this measurement is left out: there are no registers '{}' and '{}'",
                                                     measure.from.name, measure.to.name));
        return;
    }
    const auto from = wires(measure.from, true);
    const auto to = wires(measure.to, false);
    if (!from || !to) return;
    if (from->count != to->count) {
        m_messages.error(measure.span, fmt::format("{} qubit{} cannot be measured into {} classical bit{}", from->count,
                                                   from->count == 1 ? "" : "s", to->count, to->count == 1 ? "" : "s"));
        return;
    }
    if (!reserve(static_cast<std::uint64_t>(from->count), 1, measure.span)) return;
    for (int i = 0; i < from->count; ++i)
        m_circuit.operations.push_back({MeasureOp{from->first + i, to->first + i}, condition, measure.span});
}

void Builder::act(const ResetStatement& reset, const std::optional<Condition>& condition) {
    const auto target = wires(reset.target, true);
    if (!target || !reserve(static_cast<std::uint64_t>(target->count), 1, reset.span)) return;
    for (int i = 0; i < target->count; ++i)
        m_circuit.operations.push_back({ResetOp{target->first + i}, condition, reset.span});
}

void Builder::act(const BarrierStatement& barrier, const std::optional<Condition>& condition) {
    BarrierOp operation;
    const auto take = [&](int first, int count) {
        if (!reserve(static_cast<std::uint64_t>(count), 1, barrier.span)) return false;
        for (int i = 0; i < count; ++i) operation.qubits.push_back(first + i);
        return true;
    };
    if (barrier.arguments.empty() && !take(0, m_circuit.qubits)) return;
    for (const Argument& argument : barrier.arguments) {
        const auto found = wires(argument, true);
        if (!found || !take(found->first, found->count)) return;
    }
    std::ranges::sort(operation.qubits);
    operation.qubits.erase(std::unique(operation.qubits.begin(), operation.qubits.end()), operation.qubits.end());
    if (operation.qubits.empty()) return; // before any register
    m_circuit.operations.push_back({std::move(operation), condition, barrier.span});
}

std::string Builder::nameOf(int qubit) const {
    for (const Register& reg : m_circuit.qregs)
        if (qubit < reg.first + reg.size) return fmt::format("{}[{}]", reg.name, qubit - reg.first);
    return fmt::format("qubit {}", qubit);
}

} // namespace qscope::engine::qasm
