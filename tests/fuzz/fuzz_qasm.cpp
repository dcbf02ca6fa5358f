// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"
#include "engine/quantum/qasm/parse.h"

#include <cstdint>
#include <cstdlib>
#include <set>

namespace {

using namespace qscope;
using namespace qscope::engine;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<int> wiresOf(const Operation& operation) {
    struct Wires {
        std::vector<int> operator()(const GateOp& gate) const { return gate.qubits; }
        std::vector<int> operator()(const MeasureOp& measure) const { return {measure.qubit}; }
        std::vector<int> operator()(const ResetOp& reset) const { return {reset.qubit}; }
        std::vector<int> operator()(const BarrierOp& barrier) const { return barrier.qubits; }
        std::vector<int> operator()(const CallOp& call) const { return call.qubits; }
    };
    return std::visit(Wires{}, operation.what);
}

} // namespace

/// Either there is a circuit whose every index is in range, or a message says why there is none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ReadLimits limits;
    limits.qubits = 2000;
    limits.operations = 20'000;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const ParsedCircuit parsed = parseQasm(text, limits);
    require(parsed.diagnostics.size() <= 100);
    bool failed = false;
    for (const Diagnostic& message : parsed.diagnostics) {
        failed = failed || message.severity == Severity::Error;
        require(message.span.begin <= message.span.end && message.span.end <= size && !message.message.empty());
    }
    require(failed == !parsed.circuit);
    if (!parsed.circuit) return 0;

    const Circuit& circuit = *parsed.circuit;
    require(circuit.qubits > 0 && circuit.qubits <= 2000 && circuit.clbits <= 2000);
    const FlatCircuit flat = flatten(circuit);
    require(flat.operations.size() <= 20'000 && flat.origin.size() == flat.operations.size());
    for (std::size_t i = 0; i < flat.operations.size(); ++i) {
        const Operation& operation = flat.operations[i];
        require(flat.origin[i] < circuit.operations.size());
        require(!std::holds_alternative<CallOp>(operation.what) && operation.span.end <= size);
        const std::vector<int> wires = wiresOf(operation);
        require(std::set<int>(wires.begin(), wires.end()).size() == wires.size());
        for (const int wire : wires) require(wire >= 0 && wire < circuit.qubits);
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what))
            require(measure->clbit >= 0 && measure->clbit < circuit.clbits);
        if (operation.condition) require(static_cast<std::size_t>(operation.condition->creg) < circuit.cregs.size());
    }
    require(depth(circuit) <= static_cast<int>(flat.operations.size()));

    const CircuitLayout layout = layoutCircuit(circuit);
    require(layout.operations.size() == circuit.operations.size());
    for (const LaidOutOperation& operation : layout.operations)
        require(operation.column >= 0 && operation.column < layout.columns && operation.lowest >= 0 &&
                operation.highest < circuit.qubits && operation.lowest <= operation.highest);
    return 0;
}
