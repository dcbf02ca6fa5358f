// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <fmt/format.h>

#include <numbers>
#include <set>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using oracle::Complex;
using std::numbers::pi;

TEST_CASE("every gate of the table has the matrix of its definition") {
    const double values[] = {0.7, -1.9, 2.3, 0.4};
    for (const GateInfo& gate : gateTable()) {
        INFO(gate.name);
        const auto parameters = std::span(values).first(static_cast<std::size_t>(gate.parameters));
        const auto wanted = oracle::matrixOf(gate.name, parameters);
        REQUIRE_FALSE(wanted.empty());
        CHECK(oracle::distance(fullMatrix(gate, parameters), wanted) < 1e-15);
    }
}

TEST_CASE("every gate of the table is unitary and its flags tell the truth") {
    std::mt19937 random(5);
    std::uniform_real_distribution<double> angle(-7, 7);
    std::set<std::string_view> names;
    for (const GateInfo& gate : gateTable()) {
        INFO(gate.name);
        CHECK(names.insert(gate.name).second);
        CHECK(findGate(gate.name) == &gate);
        CHECK(gate.targets() >= 1);
        std::vector<double> parameters;
        for (int k = 0; k < gate.parameters; ++k) parameters.push_back(angle(random));
        const auto matrix = fullMatrix(gate, parameters);
        const std::size_t size = std::size_t{1} << gate.qubits;
        oracle::Vector unit(size * size);
        bool diagonal = true;
        for (std::size_t row = 0; row < size; ++row)
            for (std::size_t column = 0; column < size; ++column) {
                if (row == column) unit[row * size + column] = 1;
                else diagonal = diagonal && matrix[row * size + column] == 0.0;
            }
        CHECK(oracle::distance(oracle::product(matrix, oracle::adjoint(matrix)), unit) < 1e-14);
        CHECK(gate.diagonal == diagonal);
    }
}

TEST_CASE("gates marked as Clifford map Pauli matrices to Pauli matrices") {
    for (const GateInfo& gate : gateTable()) {
        if (!gate.clifford) continue;
        INFO(gate.name);
        const double none[] = {0.3};
        const auto u = fullMatrix(gate, std::span(none).first(static_cast<std::size_t>(gate.parameters)));
        const std::size_t size = std::size_t{1} << gate.qubits;
        for (int qubit = 0; qubit < gate.qubits; ++qubit)
            for (const char* name : {"x", "z"}) {
                oracle::Vector pauli(size * size);
                for (std::size_t column = 0; column < size; ++column) {
                    oracle::Vector basis(size);
                    basis[column] = 1;
                    const auto image = oracle::applied(oracle::matrixOf(name, {}), {&qubit, 1}, basis);
                    for (std::size_t row = 0; row < size; ++row) pauli[row * size + column] = image[row];
                }
                const auto image = oracle::product(oracle::product(u, pauli), oracle::adjoint(u));
                // A Pauli string has one entry of modulus 1 in each row.
                for (const Complex entry : image) {
                    const double modulus = std::abs(entry);
                    CHECK((modulus < 1e-12 || std::abs(modulus - 1) < 1e-12));
                }
            }
    }
}

TEST_CASE("the controlled X has the first argument as its control and lowest bit") {
    const auto matrix = fullMatrix(*findGate("cx"), {});
    const std::size_t image[] = {0, 3, 2, 1};
    for (std::size_t column = 0; column < 4; ++column) CHECK(matrix[image[column] * 4 + column] == 1.0);
}

TEST_CASE("names are matched whole and in their case") {
    CHECK(findGate("rz")->qubits == 1);
    CHECK(findGate("rzz")->qubits == 2);
    CHECK_FALSE(findGate("RZ"));
    CHECK_FALSE(findGate("rzzz"));
    CHECK_FALSE(findGate(""));
}

TEST_CASE("each published body equals the native gate up to its documented phase") {
    const auto path = realData("qasm/qiskit/qelib1.inc");
    if (!path) return;
    const std::string library = readText(*path);
    const double values[] = {0.9, 0.35, -1.2, 0.6};
    // body = exp(i phase) native
    const std::map<std::string_view, double> phases = {{"rz", values[0] / 2}, {"sx", -pi / 4}, {"sxdg", pi / 4},
                                                       {"ch", pi / 4},        {"rzz", values[0] / 2}, {"rxx", -values[0] / 2}};
    int checked = 0;
    for (const GateInfo& gate : gateTable()) {
        if (gate.set != GateSet::Library) continue;
        INFO(gate.name);
        std::string text = "OPENQASM 2.0;\n" + library + fmt::format("\nqreg q[{}];\n{}", gate.qubits, gate.name);
        for (int k = 0; k < gate.parameters; ++k)
            text += fmt::format("{}{}", k == 0 ? "(" : ",", values[static_cast<std::size_t>(k)]);
        if (gate.parameters > 0) text += ")";
        for (int k = 0; k < gate.qubits; ++k) text += fmt::format("{} q[{}]", k == 0 ? "" : ",", k);
        const auto parsed = parseQasm(text + ";\n");
        REQUIRE(parsed.circuit);
        REQUIRE(std::holds_alternative<CallOp>(parsed.circuit->operations.front().what));
        auto native = oracle::matrixOf(gate.name, std::span(values).first(static_cast<std::size_t>(gate.parameters)));
        const auto phase = phases.find(gate.name);
        if (phase != phases.end())
            for (Complex& entry : native) entry *= std::polar(1.0, phase->second);
        CHECK(oracle::distance(oracle::unitaryOf(*parsed.circuit), native) < 1e-13);
        ++checked;
    }
    CHECK(checked == 42);
}
