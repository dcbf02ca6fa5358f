// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/quantum/random_circuits.h"

#include <numbers>

namespace qscope::test {

void append(engine::Circuit& circuit, const std::string& name, std::vector<double> parameters,
            std::vector<int> qubits) {
    circuit.operations.push_back({engine::GateOp{name, std::move(parameters), std::move(qubits)}, {}, {}});
}

void appendMeasure(engine::Circuit& circuit, int qubit, int clbit) {
    engine::Operation operation;
    operation.what = engine::MeasureOp{qubit, clbit};
    circuit.operations.push_back(std::move(operation));
}

std::vector<int> differentQubits(int count, int qubits, std::mt19937& random) {
    std::vector<int> result;
    while (static_cast<int>(result.size()) < count) {
        const int qubit = static_cast<int>(random() % static_cast<unsigned>(qubits));
        if (std::find(result.begin(), result.end(), qubit) == result.end()) result.push_back(qubit);
    }
    return result;
}

engine::Circuit randomCircuit(int qubits, int gates, std::mt19937& random) {
    engine::Circuit circuit;
    circuit.version = "2.0";
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    std::uniform_real_distribution<double> angle(-4, 4);
    while (static_cast<int>(circuit.operations.size()) < gates) {
        const auto table = engine::gateTable();
        const engine::GateInfo& info = table[random() % table.size()];
        if (info.qubits > qubits) continue;
        engine::GateOp gate;
        gate.name = info.name;
        for (int k = 0; k < info.parameters; ++k) gate.parameters.push_back(angle(random));
        while (static_cast<int>(gate.qubits.size()) < info.qubits) {
            const int qubit = static_cast<int>(random() % static_cast<unsigned>(qubits));
            if (std::find(gate.qubits.begin(), gate.qubits.end(), qubit) == gate.qubits.end())
                gate.qubits.push_back(qubit);
        }
        append(circuit, gate.name, gate.parameters, gate.qubits);
    }
    return circuit;
}

engine::Circuit randomClifford(int qubits, int gates, std::mt19937& random) {
    static const std::pair<const char*, double> kQuarters[] = {
        {"rx", 0.5}, {"ry", 0.5}, {"rz", 0.5},  {"p", 0.5},   {"u1", 0.5},       {"u", 0.5},
        {"u2", 0.5}, {"r", 0.5},  {"rxx", 0.5}, {"ryy", 0.5}, {"rzz", 0.5},      {"rzx", 0.5},
        {"cp", 1},   {"crx", 1},  {"cry", 1},   {"crz", 1},   {"xx_plus_yy", 1}, {"fsim", 0.5}};
    engine::Circuit circuit;
    circuit.version = "2.0";
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    const auto table = engine::gateTable();
    while (static_cast<int>(circuit.operations.size()) < gates) {
        if (random() % 2) {
            const auto& [name, step] = kQuarters[random() % std::size(kQuarters)];
            const engine::GateInfo& info = *engine::findGate(name);
            if (info.qubits > qubits) continue;
            std::vector<double> angles;
            for (int k = 0; k < info.parameters; ++k)
                angles.push_back((static_cast<double>(random() % 17) - 8) * step * std::numbers::pi);
            if (info.name == "fsim") angles[1] = std::round(angles[1] / std::numbers::pi) * std::numbers::pi; // cphase
            append(circuit, name, angles, differentQubits(info.qubits, qubits, random));
        } else {
            const engine::GateInfo& info = table[random() % table.size()];
            if (!info.clifford || info.qubits > qubits) continue;
            append(circuit, std::string(info.name), std::vector<double>(static_cast<std::size_t>(info.parameters), 0.3),
                   differentQubits(info.qubits, qubits, random));
        }
    }
    return circuit;
}

void disturb(engine::Circuit& circuit, int events, bool anyGate, std::mt19937& random) {
    circuit.cregs = {{"c", 0, 2}, {"d", 2, 2}};
    circuit.clbits = 4;
    for (int k = 0; k < events; ++k) {
        const auto at = circuit.operations.begin() + static_cast<std::ptrdiff_t>(random() % circuit.operations.size());
        const int qubit = static_cast<int>(random() % static_cast<unsigned>(circuit.qubits));
        const engine::Condition condition{static_cast<int>(random() % 2), random() % 3};
        static const char* const kPaulis[] = {"x", "y", "z"};
        engine::Operation event;
        switch (random() % 3) {
        case 0: event.what = engine::MeasureOp{qubit, static_cast<int>(random() % 4)}; break;
        case 1: event.what = engine::ResetOp{qubit}; break;
        default:
            event.what = engine::GateOp{anyGate ? "h" : kPaulis[random() % 3], {}, {qubit}};
            event.condition = condition;
        }
        circuit.operations.insert(at, std::move(event));
    }
    for (int k = 0; k < 3; ++k) // at the end
        appendMeasure(circuit, static_cast<int>(random() % static_cast<unsigned>(circuit.qubits)), k);
}

std::string randomPauli(int qubits, std::mt19937& random) {
    std::string text;
    for (int q = 0; q < qubits; ++q) text += "IXYZ"[random() % 4];
    return text;
}

std::map<std::string, std::int64_t> countsOf(const engine::SimulationResult& result) {
    std::map<std::string, std::int64_t> counts;
    for (const engine::OutcomeCount& each : result.counts) counts[each.bits] = each.count;
    return counts;
}

engine::SimulationResult ran(const engine::Simulator& simulator, const engine::Circuit& circuit,
                             const engine::SimulationRequest& request) {
    TestRun run;
    auto result = simulator.run(circuit, request, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

} // namespace qscope::test
