// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/planner/reduce.h"

#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

namespace {

/// Sets that grow together.
class Groups {
public:
    explicit Groups(std::size_t size)
        : m_parent(size) {
        std::iota(m_parent.begin(), m_parent.end(), std::size_t{0});
    }
    std::size_t of(std::size_t item) {
        while (m_parent[item] != item) item = m_parent[item] = m_parent[m_parent[item]];
        return item;
    }
    void join(std::size_t a, std::size_t b) { m_parent[std::max(of(a), of(b))] = std::min(of(a), of(b)); }

private:
    std::vector<std::size_t> m_parent;
};

std::vector<int> qubitsOf(const Operation& operation) {
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) return gate->qubits;
    if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) return {measure->qubit};
    if (const auto* reset = std::get_if<ResetOp>(&operation.what)) return {reset->qubit};
    return {};
}

/// By a value that only a run knows.
bool decided(const GateOp& gate) { return gate.detail && !gate.detail->expressions.empty(); }

std::size_t registerOf(const Circuit& circuit, int clbit) {
    const auto after = std::ranges::upper_bound(circuit.cregs, clbit, {}, &Register::first);
    return static_cast<std::size_t>(after - circuit.cregs.begin()) - 1;
}

CircuitPart emptyPart(const Circuit& whole, std::vector<int> qubits) {
    CircuitPart part;
    part.circuit.version = whole.version;
    part.circuit.qubits = static_cast<int>(qubits.size());
    part.circuit.qregs = {{"q", 0, part.circuit.qubits}};
    part.circuit.cregs = whole.cregs;
    part.circuit.clbits = whole.clbits;
    part.qubits = std::move(qubits);
    return part;
}

/// Adds an operation of the whole; `local` numbers the part's qubits.
void add(CircuitPart& part, Operation operation, const std::vector<int>& local) {
    const auto renumber = [&](int& qubit) { qubit = local[static_cast<std::size_t>(qubit)]; };
    if (auto* gate = std::get_if<GateOp>(&operation.what))
        std::ranges::for_each(gate->qubits, renumber);
    else if (auto* measure = std::get_if<MeasureOp>(&operation.what))
        renumber(measure->qubit);
    else if (auto* reset = std::get_if<ResetOp>(&operation.what))
        renumber(reset->qubit);
    part.circuit.operations.push_back(std::move(operation));
}

} // namespace

std::vector<CircuitPart> independentParts(const Circuit& circuit) {
    const FlatCircuit flat = flatten(circuit);
    const auto qubits = static_cast<std::size_t>(circuit.qubits);
    const auto clbits = static_cast<std::size_t>(circuit.clbits);
    // Qubits, classical bits that are measured into, and registers that a condition reads.
    Groups groups(qubits + clbits + circuit.cregs.size());
    std::vector<bool> read(circuit.cregs.size());
    const auto plain = [](const Operation& operation) {
        const auto* gate = std::get_if<GateOp>(&operation.what);
        return (gate && !decided(*gate)) || std::holds_alternative<MeasureOp>(operation.what) ||
               std::holds_alternative<ResetOp>(operation.what) || std::holds_alternative<BarrierOp>(operation.what);
    };
    if (!std::ranges::all_of(flat.operations, plain)) // whatever else there may be can join anything
        for (std::size_t q = 1; q < qubits; ++q) groups.join(0, q);
    for (const Operation& operation : flat.operations)
        if (operation.condition) read[static_cast<std::size_t>(operation.condition->creg)] = true;
    for (const Operation& operation : flat.operations) {
        const auto touched = qubitsOf(operation);
        if (touched.empty()) continue;
        const auto first = static_cast<std::size_t>(touched.front());
        for (const int q : touched) groups.join(first, static_cast<std::size_t>(q));
        if (operation.condition)
            groups.join(first, qubits + clbits + static_cast<std::size_t>(operation.condition->creg));
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            groups.join(first, qubits + static_cast<std::size_t>(measure->clbit));
            const std::size_t creg = registerOf(circuit, measure->clbit);
            if (read[creg]) groups.join(first, qubits + clbits + creg);
        }
    }
    std::vector<std::vector<int>> members;
    std::vector<std::size_t> partOf(qubits);
    std::vector<int> local(qubits);
    std::vector<std::size_t> partOfRoot(qubits, SIZE_MAX); // the smallest of a group is a qubit when it has one
    for (std::size_t q = 0; q < qubits; ++q) {
        std::size_t& part = partOfRoot[groups.of(q)];
        if (part == SIZE_MAX) {
            part = members.size();
            members.emplace_back();
        }
        partOf[q] = part;
        local[q] = static_cast<int>(members[part].size());
        members[part].push_back(static_cast<int>(q));
    }
    std::vector<CircuitPart> parts;
    for (auto& each : members) parts.push_back(emptyPart(circuit, std::move(each)));
    for (const Operation& operation : flat.operations) {
        const auto touched = qubitsOf(operation);
        if (!touched.empty()) add(parts[partOf[static_cast<std::size_t>(touched.front())]], operation, local);
    }
    return parts;
}

std::optional<CircuitPart> lightCone(const Circuit& circuit, std::span<const PauliFactor> observable) {
    const Program program = makeProgram(circuit, SIZE_MAX);
    std::vector<bool> inside(static_cast<std::size_t>(circuit.qubits));
    for (const PauliFactor& factor : observable) inside[static_cast<std::size_t>(factor.qubit)] = true;
    std::vector<std::size_t> kept;
    for (std::size_t i = program.length; i-- > 0;) {
        const Operation& operation = program.flat.operations[i];
        if (std::holds_alternative<BarrierOp>(operation.what) || program.terminal[i]) continue;
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate || operation.condition || decided(*gate)) return std::nullopt;
        const auto reached = [&](int q) { return inside[static_cast<std::size_t>(q)]; };
        if (std::ranges::none_of(gate->qubits, reached)) continue;
        for (const int q : gate->qubits) inside[static_cast<std::size_t>(q)] = true;
        kept.push_back(i);
    }
    std::vector<int> qubits, local(inside.size());
    for (std::size_t q = 0; q < inside.size(); ++q) {
        local[q] = static_cast<int>(qubits.size());
        if (inside[q]) qubits.push_back(static_cast<int>(q));
    }
    CircuitPart cone = emptyPart(circuit, std::move(qubits));
    for (auto i = kept.rbegin(); i != kept.rend(); ++i) add(cone, program.flat.operations[*i], local);
    return cone;
}

std::string restricted(std::span<const PauliFactor> observable, const CircuitPart& part) {
    std::string text;
    for (const auto& [qubit, letter] : observable) {
        const auto at = std::ranges::lower_bound(part.qubits, qubit);
        if (at == part.qubits.end() || *at != qubit) continue;
        text += fmt::format("{}{}{}", text.empty() ? "" : " ", letter, at - part.qubits.begin());
    }
    return text;
}

} // namespace qscope::engine
