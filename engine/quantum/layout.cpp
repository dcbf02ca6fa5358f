// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"

#include "engine/quantum/gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

/// First free column of each wire, with "largest in a range" and "set a range" in logarithmic time (a segment tree).
class FreeColumns {
public:
    explicit FreeColumns(int wires) {
        while (m_size < static_cast<std::size_t>(wires)) m_size *= 2;
        m_largest.resize(2 * m_size);
        m_pending.resize(2 * m_size, -1);
    }
    /// The first column that is free on wires [from, to], which it takes.
    int take(int from, int to) {
        const auto first = static_cast<std::size_t>(from);
        const auto last = static_cast<std::size_t>(to);
        const int column = largest(1, 0, m_size - 1, first, last);
        assign(1, 0, m_size - 1, first, last, column + 1);
        return column;
    }

private:
    void set(std::size_t node, int value) { m_largest[node] = m_pending[node] = value; }
    void push(std::size_t node) {
        if (m_pending[node] < 0) return;
        set(2 * node, m_pending[node]);
        set(2 * node + 1, m_pending[node]);
        m_pending[node] = -1;
    }
    int largest(std::size_t node, std::size_t begin, std::size_t end, std::size_t from, std::size_t to) {
        if (to < begin || end < from) return 0;
        if (from <= begin && end <= to) return m_largest[node];
        push(node);
        const std::size_t middle = (begin + end) / 2;
        return std::max(largest(2 * node, begin, middle, from, to), largest(2 * node + 1, middle + 1, end, from, to));
    }
    void assign(std::size_t node, std::size_t begin, std::size_t end, std::size_t from, std::size_t to, int value) {
        if (to < begin || end < from) return;
        if (from <= begin && end <= to) return set(node, value);
        push(node);
        const std::size_t middle = (begin + end) / 2;
        assign(2 * node, begin, middle, from, to, value);
        assign(2 * node + 1, middle + 1, end, from, to, value);
        m_largest[node] = std::max(m_largest[2 * node], m_largest[2 * node + 1]);
    }

    std::size_t m_size = 1;
    std::vector<int> m_largest;
    std::vector<int> m_pending;
};

std::string parameterText(const std::vector<double>& parameters) {
    std::string text;
    for (const double value : parameters) {
        if (!text.empty()) text += ", ";
        text += std::isnan(value) ? "…" : angleText(value);
    }
    return text;
}

/// Parameters that come later as the expressions that they are.
std::string parameterText(const GateOp& gate, const Circuit& circuit) {
    if (!gate.detail || gate.detail->expressions.empty()) return parameterText(gate.parameters);
    std::string text;
    for (std::size_t i = 0; i < gate.parameters.size(); ++i) {
        if (i > 0) text += ", ";
        text += std::isnan(gate.parameters[i]) ? expressionText(gate.detail->expressions[i], circuit) : angleText(gate.parameters[i]);
    }
    return text;
}

/// The symbol of each kind of operation; wires and column are filled in by the caller.
struct Symbol {
    const Circuit& circuit;

    LaidOutOperation operator()(const GateOp& gate) const {
        LaidOutOperation result;
        result.parameterText = parameterText(gate, circuit);
        if (gate.detail && gate.detail->controls > 0) {
            // Dots in front of the symbol of what they control.
            const auto first = gate.qubits.begin() + gate.detail->controls;
            GateOp inner{gate.detail->base.empty() ? gate.name.substr(gate.name.find(" @ ") + 3) : gate.detail->base, {}, {first, gate.qubits.end()}};
            const std::string text = std::move(result.parameterText);
            result = (*this)(inner);
            result.parameterText = text;
            result.controls.insert(result.controls.begin(), gate.qubits.begin(), first);
            return result;
        }
        const GateInfo* known = findGate(gate.name);
        // An opaque gate may bear a name of the table with other operands.
        if (!known || static_cast<std::size_t>(known->qubits) != gate.qubits.size()) {
            result.kind = SymbolKind::Call;
            result.label = gate.name;
            result.targets = gate.qubits;
            return result;
        }
        result.kind = known->kind;
        result.label = known->label;
        const auto firstTarget = gate.qubits.begin() + known->controls;
        result.controls.assign(gate.qubits.begin(), firstTarget);
        result.targets.assign(firstTarget, gate.qubits.end());
        return result;
    }
    LaidOutOperation operator()(const CallOp& call) const {
        LaidOutOperation result;
        result.kind = SymbolKind::Call;
        result.label = call.name;
        result.parameterText = parameterText(call.parameters);
        result.targets = call.qubits;
        return result;
    }
    LaidOutOperation operator()(const MeasureOp& measure) const {
        LaidOutOperation result;
        result.kind = SymbolKind::Measure;
        result.targets = {measure.qubit};
        result.clbit = measure.clbit;
        return result;
    }
    LaidOutOperation operator()(const ResetOp& reset) const {
        LaidOutOperation result;
        result.kind = SymbolKind::Reset;
        result.label = "|0⟩";
        result.targets = {reset.qubit};
        return result;
    }
    LaidOutOperation operator()(const BarrierOp& barrier) const {
        LaidOutOperation result;
        result.kind = SymbolKind::Barrier;
        result.targets = barrier.qubits;
        return result;
    }
    /// A box over all that it touches; on the last wire when that is classical only.
    LaidOutOperation operator()(const ControlOp& op) const {
        constexpr std::size_t kLongest = 40;
        LaidOutOperation result;
        result.kind = SymbolKind::Call;
        result.label = op.control->label;
        if (result.label.size() > kLongest) {
            std::size_t end = kLongest;
            while (end > 0 && (static_cast<unsigned char>(result.label[end]) & 0xC0) == 0x80) --end; // not inside a letter
            result.label = result.label.substr(0, end) + "…";
        }
        result.targets = op.control->qubits;
        if (result.targets.empty()) result.targets = {circuit.qubits - 1};
        return result;
    }
};

} // namespace

CircuitLayout layoutCircuit(const Circuit& circuit, WireOrder order) {
    CircuitLayout layout;
    layout.operations.reserve(circuit.operations.size());
    FreeColumns columns(std::max(circuit.qubits, 1));
    for (const Operation& operation : circuit.operations) {
        LaidOutOperation placed = std::visit(Symbol{circuit}, operation.what);
        if (operation.condition) {
            placed.conditionRegister = operation.condition->creg;
            placed.conditionText =
                fmt::format("{} == {}", circuit.cregs[static_cast<std::size_t>(operation.condition->creg)].name,
                            operation.condition->value);
        }
        placed.lowest = circuit.qubits - 1;
        for (const auto* wires : {&placed.controls, &placed.targets})
            for (const int qubit : *wires) {
                placed.lowest = std::min(placed.lowest, qubit);
                placed.highest = std::max(placed.highest, qubit);
            }
        const bool classical = placed.clbit >= 0 || placed.conditionRegister >= 0 || std::holds_alternative<ControlOp>(operation.what);
        const int from = classical && order == WireOrder::ZeroAtBottom ? 0 : placed.lowest;
        const int to = classical && order == WireOrder::ZeroAtTop ? circuit.qubits - 1 : placed.highest;
        placed.column = columns.take(from, to);
        layout.columns = std::max(layout.columns, placed.column + 1);
        layout.operations.push_back(std::move(placed));
    }
    return layout;
}

std::string angleText(double radians) {
    if (radians == 0) return "0";
    for (const int denominator : {1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256, 512, 1024}) {
        const double multiple = radians / std::numbers::pi * denominator;
        const double whole = std::round(multiple);
        if (whole == 0 || std::abs(whole) > 64 || std::abs(multiple - whole) > 1e-9 * std::abs(whole)) continue;
        const std::string numerator =
            std::abs(whole) == 1 ? (whole < 0 ? "-" : "") : fmt::format("{}", static_cast<int>(whole));
        return denominator == 1 ? numerator + "π" : fmt::format("{}π/{}", numerator, denominator);
    }
    return fmt::format("{:.4g}", radians);
}

} // namespace qscope::engine
