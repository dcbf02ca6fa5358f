// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/parse.h"
#include "engine/quantum/sim/simulation.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <random>
#include <sstream>

namespace qscope::test {

inline std::string readText(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The circuit of a text that must be right; the header is added.
inline std::shared_ptr<const engine::Circuit> circuitOf(const std::string& body) {
    const auto parsed = engine::parseQasm("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n" + body);
    for (const Diagnostic& message : parsed.diagnostics)
        UNSCOPED_INFO("line " << message.span.line << ": " << message.message);
    REQUIRE(parsed.circuit);
    return parsed.circuit;
}

inline engine::SimulationResult simulated(const engine::Circuit& circuit, const engine::SimulationRequest& request,
                                          TestRun& run) {
    auto result = engine::makeStatevectorSimulator()->run(circuit, request, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

inline std::vector<std::complex<double>> amplitudesOf(const engine::StateSnapshot& state, TestRun& run) {
    std::vector<std::complex<double>> amplitudes(std::size_t{1} << state.qubits);
    REQUIRE(run.backend->amplitudes(*state.buffer, 0, amplitudes).has_value());
    return amplitudes;
}

/// A circuit of gates drawn from the whole table.
inline engine::Circuit randomCircuit(int qubits, int gates, std::mt19937& random) {
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
            if (std::find(gate.qubits.begin(), gate.qubits.end(), qubit) == gate.qubits.end()) gate.qubits.push_back(qubit);
        }
        circuit.operations.push_back({std::move(gate), {}, {}});
    }
    return circuit;
}

} // namespace qscope::test
