// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/oracle/outcome_distribution.h"
#include "tests/unit/quantum/support.h"

#include <random>

namespace qscope::test {

void append(engine::Circuit& circuit, const std::string& name, std::vector<double> parameters, std::vector<int> qubits);
void appendMeasure(engine::Circuit& circuit, int qubit, int clbit);

[[nodiscard]] std::vector<int> differentQubits(int count, int qubits, std::mt19937& random);

/// A circuit of gates drawn from the whole table.
[[nodiscard]] engine::Circuit randomCircuit(int qubits, int gates, std::mt19937& random);

/// Clifford gates of the table, rotations by quarter turns among them.
[[nodiscard]] engine::Circuit randomClifford(int qubits, int gates, std::mt19937& random);

/// Puts measurements, resets and conditions between the gates of a circuit, into two classical registers. Conditions
/// guard Pauli gates, or Hadamard gates with `anyGate`.
void disturb(engine::Circuit& circuit, int events, bool anyGate, std::mt19937& random);

/// "ZXIY", as long as asked.
[[nodiscard]] std::string randomPauli(int qubits, std::mt19937& random);

[[nodiscard]] std::map<std::string, std::int64_t> countsOf(const engine::SimulationResult& result);

/// The result of a run that must succeed, on the CPU.
[[nodiscard]] engine::SimulationResult ran(const engine::Simulator& simulator, const engine::Circuit& circuit,
                                           const engine::SimulationRequest& request);

} // namespace qscope::test
