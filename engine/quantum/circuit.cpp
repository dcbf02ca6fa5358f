// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/circuit.h"

#include <algorithm>
#include <span>

namespace qscope::engine {

namespace {

void open(const Operation& operation, const Operation& statement, std::size_t origin, FlatCircuit& into) {
    if (const auto* call = std::get_if<CallOp>(&operation.what)) {
        for (const Operation& inner : *call->body) open(inner, statement, origin, into);
        return;
    }
    into.operations.push_back({operation.what, statement.condition, statement.span});
    into.origin.push_back(origin);
}

/// How many steps each wire has behind it. A condition reads all bits of its register, so registers count as wires.
class Chains {
public:
    explicit Chains(const Circuit& circuit)
        : m_circuit(circuit), m_qubits(static_cast<std::size_t>(circuit.qubits)),
          m_clbits(static_cast<std::size_t>(circuit.clbits)), m_written(circuit.cregs.size()), m_read(circuit.cregs.size()) {}

    void add(const Operation& operation, const std::optional<Condition>& condition) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            for (const Operation& inner : *call->body) add(inner, condition);
        } else if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            step(gate->qubits, -1, condition);
        } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            step({&measure->qubit, 1}, measure->clbit, condition);
        } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
            step({&reset->qubit, 1}, -1, condition);
        } else if (const auto* control = std::get_if<ControlOp>(&operation.what)) {
            wall(control->control->qubits);
        }
    }
    [[nodiscard]] int longest() const { return m_longest; }

private:
    void step(std::span<const int> qubits, int clbit, const std::optional<Condition>& condition) {
        int level = 0;
        for (const int q : qubits) level = std::max(level, m_qubits[static_cast<std::size_t>(q)]);
        if (condition) {
            const auto creg = static_cast<std::size_t>(condition->creg);
            level = std::max({level, m_written[creg], m_read[creg]});
        }
        std::size_t written = 0;
        if (clbit >= 0) {
            const auto after = std::ranges::upper_bound(m_circuit.cregs, clbit, {}, &Register::first);
            written = static_cast<std::size_t>(after - m_circuit.cregs.begin()) - 1;
            level = std::max({level, m_clbits[static_cast<std::size_t>(clbit)], m_read[written]});
        }
        ++level;
        for (const int q : qubits) m_qubits[static_cast<std::size_t>(q)] = level;
        if (condition) m_read[static_cast<std::size_t>(condition->creg)] = level;
        if (clbit >= 0) {
            m_clbits[static_cast<std::size_t>(clbit)] = level;
            m_written[written] = std::max(m_written[written], level);
        }
        m_longest = std::max(m_longest, level);
    }

    /// A step that may read and write every classical bit.
    void wall(std::span<const int> qubits) {
        int level = 0;
        for (const int q : qubits) level = std::max(level, m_qubits[static_cast<std::size_t>(q)]);
        for (const auto* wires : {&m_written, &m_read})
            for (const int each : *wires) level = std::max(level, each);
        ++level;
        for (const int q : qubits) m_qubits[static_cast<std::size_t>(q)] = level;
        for (auto* wires : {&m_written, &m_read, &m_clbits}) std::ranges::fill(*wires, level);
        m_longest = std::max(m_longest, level);
    }

    const Circuit& m_circuit;
    std::vector<int> m_qubits;
    std::vector<int> m_clbits;
    std::vector<int> m_written; ///< per register, its latest measurement
    std::vector<int> m_read;    ///< per register, its latest condition
    int m_longest = 0;
};

std::string nameOf(const Operation& operation) {
    struct Name {
        std::string operator()(const GateOp& gate) const { return gate.name; }
        std::string operator()(const CallOp& call) const { return call.name; }
        std::string operator()(const MeasureOp&) const { return "measure"; }
        std::string operator()(const ResetOp&) const { return "reset"; }
        std::string operator()(const BarrierOp&) const { return "barrier"; }
        std::string operator()(const ControlOp& op) const {
            constexpr const char* kNames[] = {"if", "while", "block", "call", "break", "continue", "return", "end", "assign", "external"};
            return kNames[static_cast<std::size_t>(op.control->kind)];
        }
    };
    return std::visit(Name{}, operation.what);
}

} // namespace

FlatCircuit flatten(const Circuit& circuit) {
    FlatCircuit flat;
    flat.operations.reserve(circuit.operations.size());
    flat.origin.reserve(circuit.operations.size());
    for (std::size_t i = 0; i < circuit.operations.size(); ++i)
        open(circuit.operations[i], circuit.operations[i], i, flat);
    return flat;
}

int depth(const Circuit& circuit) {
    Chains chains(circuit);
    for (const Operation& operation : circuit.operations) chains.add(operation, operation.condition);
    return chains.longest();
}

std::map<std::string, int> gateCounts(const Circuit& circuit) {
    std::map<std::string, int> counts;
    for (const Operation& operation : circuit.operations) ++counts[nameOf(operation)];
    return counts;
}

} // namespace qscope::engine
