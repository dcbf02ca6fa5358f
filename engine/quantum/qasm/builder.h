// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/circuit.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/ast.h"
#include "engine/quantum/qasm/messages.h"

#include <string>
#include <unordered_map>

namespace qscope::engine::qasm {

/// Turns statements into a circuit: looks names up, repeats over registers, binds parameters, opens gate bodies.
class Builder {
public:
    Builder(Messages& messages, const ReadLimits& limits) : m_messages(messages), m_limits(limits) {}
    void add(const Statement& statement);
    [[nodiscard]] Circuit finish();

private:
    struct Definition;
    /// What a name stands for: a gate of the table, or one that the file defines.
    struct Callee {
        const GateInfo* gate = nullptr;
        const Definition* own = nullptr;
        [[nodiscard]] explicit operator bool() const { return gate || own; }
    };
    /// One line of a body, bound to formal parameters and qubits.
    struct BodyLine {
        Callee callee; ///< empty: a barrier
        std::vector<Expression> parameters;
        std::vector<std::size_t> qubits;
        SourceSpan span;
    };
    struct Definition {
        std::string name;
        std::size_t parameters = 0;
        std::size_t qubits = 0;
        bool opaque = false;
        int depth = 0;               ///< of calls inside calls
        std::uint64_t operations = 1; ///< that one call stands for, the call itself included
        std::vector<BodyLine> body;
    };
    struct Wires {
        int first = 0;
        int count = 0;
        bool whole = false; ///< a whole register, which repeats the operation
    };

    void define(const VersionStatement& statement);
    void define(const IncludeStatement& statement);
    void define(const RegisterStatement& statement);
    void define(const GateStatement& statement);
    void define(const ActionStatement& statement);
    void act(const CallStatement& call, const std::optional<Condition>& condition);
    void act(const MeasureStatement& measure, const std::optional<Condition>& condition);
    void act(const ResetStatement& reset, const std::optional<Condition>& condition);
    void act(const BarrierStatement& barrier, const std::optional<Condition>& condition);

    [[nodiscard]] std::optional<BodyLine> bind(const CallStatement& call, const GateStatement& gate);
    [[nodiscard]] bool bindNames(Expression& expression, std::span<const Name> parameters);
    [[nodiscard]] Callee find(const Name& name);
    [[nodiscard]] bool fits(const Callee& callee, const Name& name, std::size_t parameters, std::size_t qubits);
    [[nodiscard]] std::optional<Wires> wires(const Argument& argument, bool quantum);
    [[nodiscard]] std::optional<std::vector<double>> values(std::span<const Expression> expressions,
                                                            std::span<const double> bound, const SourceSpan& blame);
    /// One operation, bodies opened; nothing after a message.
    [[nodiscard]] std::optional<Operation> instance(const Callee& callee, std::vector<double> parameters,
                                                    std::vector<int> qubits, const SourceSpan& span,
                                                    const SourceSpan& blame);
    /// Whether `count` more operations are within the limit; stops everything when they are not.
    [[nodiscard]] bool reserve(std::uint64_t count, std::uint64_t each, const SourceSpan& span);
    [[nodiscard]] std::string nameOf(int qubit) const;

    Messages& m_messages;
    const ReadLimits& m_limits;
    Circuit m_circuit;
    std::unordered_map<std::string_view, int> m_qregs;
    std::unordered_map<std::string_view, int> m_cregs;
    std::unordered_map<std::string_view, std::unique_ptr<Definition>> m_gates;
    std::uint64_t m_operations = 0;
    bool m_included = false;
};

} // namespace qscope::engine::qasm
