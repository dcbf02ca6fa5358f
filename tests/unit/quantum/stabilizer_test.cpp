// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quantum/stabilizer/clifford.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const auto stabilizer = makeStabilizerSimulator();

/// The matrix of a string of `CliffordGate`.
oracle::Vector matrixOfString(unsigned string, int qubits) {
    const std::size_t size = std::size_t{1} << qubits;
    oracle::Vector matrix(size * size);
    for (std::size_t column = 0; column < size; ++column) {
        oracle::Vector state(size);
        state[column] = 1;
        for (int q = 0; q < qubits; ++q) {
            const char* const names[] = {"id", "x", "z", "y"};
            state = oracle::applied(oracle::matrixOf(names[string >> 2 * q & 3], {}), {&q, 1}, state);
        }
        for (std::size_t row = 0; row < size; ++row) matrix[row * size + column] = state[row];
    }
    return matrix;
}

bool isClifford(const std::string& name, std::vector<double> angles) {
    const int qubits = findGate(name)->qubits;
    std::vector<int> order;
    for (int q = 0; q < qubits; ++q) order.push_back(q);
    return cliffordOf({name, std::move(angles), order}).has_value();
}

} // namespace

TEST_CASE("the action of every Clifford gate on Pauli strings follows its matrix") {
    std::mt19937 random(5);
    int checked = 0;
    for (int round = 0; round < 400; ++round) {
        const Circuit circuit = randomClifford(2, 1, random);
        const auto& gate = std::get<GateOp>(circuit.operations.front().what);
        INFO(gate.name);
        const auto found = cliffordOf(gate);
        REQUIRE(found);
        const auto u = oracle::matrixOf(gate.name, gate.parameters);
        for (unsigned string = 1; string < (1u << 2 * found->qubits); ++string) {
            unsigned image = 0;
            for (unsigned k = 0; k < 4; ++k)
                if (string >> k & 1) image ^= found->image[k];
            auto wanted = matrixOfString(image, found->qubits);
            if (found->signs >> string & 1)
                for (auto& entry : wanted) entry = -entry;
            const auto moved =
                oracle::product(oracle::product(u, matrixOfString(string, found->qubits)), oracle::adjoint(u));
            CHECK(oracle::distance(moved, wanted) < 1e-13);
            ++checked;
        }
    }
    CHECK(checked > 2000);
}

TEST_CASE("gates are Clifford by their angles, within 1e-12") {
    const double quarter = std::numbers::pi / 2;
    CHECK(isClifford("rz", {quarter}));
    CHECK(isClifford("rz", {quarter + 1e-12}));
    CHECK(isClifford("u3", {quarter, -quarter, 4 * quarter + 1e-12}));
    CHECK_FALSE(isClifford("rz", {quarter + 1e-10}));
    CHECK_FALSE(isClifford("rz", {0.3}));
    CHECK(isClifford("cp", {2 * quarter}));
    CHECK_FALSE(isClifford("cp", {quarter}));
    CHECK(isClifford("u3", {0, 0.3, -0.3})); // the identity
    CHECK(isClifford("rzx", {quarter}));
    for (const char* name : {"t", "tdg", "ch", "csx", "ccx", "cswap", "rccx", "c4x"}) CHECK_FALSE(isClifford(name, {}));
    for (const GateInfo& info : gateTable())
        if (info.clifford)
            CHECK(isClifford(std::string(info.name),
                             std::vector<double>(static_cast<std::size_t>(info.parameters), 0.7)));
}

TEST_CASE("random Clifford circuits agree with the definition and with the state vector") {
    std::mt19937 random(11);
    for (int round = 0; round < 1000; ++round) {
        const int qubits = 1 + round % 8;
        const Circuit circuit = randomClifford(qubits, 3 * qubits + 5, random);
        INFO("round " << round);
        const auto state = oracle::finalState(circuit);
        SimulationRequest request;
        request.top = 1 << qubits;
        for (int k = 0; k < 12; ++k) request.observables.push_back(randomPauli(qubits, random));
        const auto result = ran(*stabilizer, circuit, request);
        std::vector<double> probabilities(state.size());
        for (std::size_t k = 0; k < result.probabilities.size(); ++k) {
            const auto& [index, probability, bits, error] = result.probabilities[k];
            probabilities[index] = probability;
            if (k > 0) CHECK(result.probabilities[k - 1].index < index);
        }
        double worst = 0;
        for (std::size_t k = 0; k < state.size(); ++k)
            worst = std::max(worst, std::abs(probabilities[k] - std::norm(state[k])));
        CHECK(worst < 1e-12);
        for (const auto& [text, value, error] : result.expectations)
            CHECK(std::abs(value - oracle::expectation(text, state)) < 1e-12);
        if (round % 20 != 0) continue;
        TestRun run;
        const auto vector = simulated(circuit, request, run);
        for (std::size_t k = 0; k < result.expectations.size(); ++k)
            CHECK(std::abs(vector.expectations[k].value - result.expectations[k].value) < 1e-12);
    }
}

TEST_CASE("every Pauli string of small stabilizer states has its value") {
    std::mt19937 random(12);
    for (int round = 0; round < 20; ++round) {
        const Circuit circuit = randomClifford(4, 30, random);
        const auto state = oracle::finalState(circuit);
        SimulationRequest request;
        for (int k = 0; k < 256; ++k) {
            std::string text;
            for (int q = 0; q < 4; ++q) text += "IXYZ"[k >> 2 * q & 3];
            request.observables.push_back(text);
        }
        int certain = 0;
        for (const auto& [text, value, error] : ran(*stabilizer, circuit, request).expectations) {
            CHECK(std::abs(value - oracle::expectation(text, state)) < 1e-12);
            certain += value != 0;
        }
        CHECK(certain == 16); // the stabilizer group
    }
}

TEST_CASE("stabilizer counts follow every branch of measurements, resets and conditions") {
    std::mt19937 random(13);
    for (int round = 0; round < 120; ++round) {
        const bool anyGate = round % 4 == 3; // conditional gates that no Pauli frame can carry: shot by shot
        Circuit circuit = randomClifford(2 + round % 4, 15, random);
        if (round % 5 != 0) disturb(circuit, 6, anyGate, random);
        INFO("round " << round);
        SimulationRequest request;
        request.shots = anyGate ? 800 : 6000;
        request.seed = 77 + static_cast<std::uint64_t>(round);
        const auto result = ran(*stabilizer, circuit, request);
        const auto test = oracle::chiSquare(oracle::outcomeDistribution(circuit), countsOf(result));
        CHECK_FALSE(test.impossible);
        // Mean `cells`, standard deviation sqrt(2 cells): five of those at a fixed seed, and room for few cells.
        CHECK(test.value < test.cells + 5 * std::sqrt(2.0 * test.cells) + 5);
    }
}

TEST_CASE("a run that is shown takes the same outcomes as the state vector's") {
    std::mt19937 random(14);
    for (int round = 0; round < 40; ++round) {
        Circuit circuit = randomClifford(4, 20, random);
        for (int k = 0; k < 4; ++k) appendMeasure(circuit, k, k);
        for (int k = 0; k < 4; ++k) append(circuit, "h", {}, {k});
        circuit.cregs = {{"c", 0, 4}};
        circuit.clbits = 4;
        SimulationRequest request;
        request.seed = static_cast<std::uint64_t>(round);
        TestRun run;
        CHECK(ran(*stabilizer, circuit, request).state.clbits == simulated(circuit, request, run).state.clbits);
    }
}

TEST_CASE("the stabilizer simulator's counts depend on the seed, not on threads") {
    std::mt19937 random(15);
    for (const bool anyGate : {false, true}) {
        Circuit circuit = randomClifford(6, 40, random);
        disturb(circuit, 8, anyGate, random);
        SimulationRequest request;
        request.shots = anyGate ? 200 : 5000;
        std::vector<std::map<std::string, std::int64_t>> all;
        for (const int threads : {1, 2, 3}) {
            const ThreadLimit limit(threads);
            all.push_back(countsOf(ran(*stabilizer, circuit, request)));
        }
        CHECK(all[0] == all[1]);
        CHECK(all[0] == all[2]);
        request.seed = 1;
        CHECK(all[0] != countsOf(ran(*stabilizer, circuit, request)));
    }
}

TEST_CASE("a thousand entangled qubits are measured alike") {
    constexpr int kQubits = 1000;
    Circuit circuit;
    circuit.qregs = {{"q", 0, kQubits}};
    circuit.qubits = kQubits;
    append(circuit, "h", {}, {0});
    for (int q = 1; q < kQubits; ++q) append(circuit, "cx", {}, {q - 1, q});
    SimulationRequest request;
    request.shots = 2000;
    request.observables = {std::string(kQubits, 'X'), "Z3 Z997", "Z0", "Y0 Y1 " + [] {
                               std::string rest;
                               for (int q = 2; q < kQubits; ++q) rest += fmt::format("X{} ", q);
                               return rest;
                           }()};
    const auto result = ran(*stabilizer, circuit, request);
    CHECK(result.expectations[0].value == 1);
    CHECK(result.expectations[1].value == 1);
    CHECK(result.expectations[2].value == 0);
    CHECK(result.expectations[3].value == -1);
    REQUIRE(result.probabilities.size() == 2);
    CHECK(result.probabilities[1].bits == std::string(kQubits, '1'));
    CHECK(result.probabilities[1].probability == 0.5);
    const auto counts = countsOf(result);
    REQUIRE(counts.size() == 2);
    CHECK(counts.at(std::string(kQubits, '0')) == Approx(1000).margin(5 * std::sqrt(500.0)));
}

TEST_CASE("the stabilizer simulator refuses what it cannot run, saying why") {
    const auto reason = [&](const Circuit& circuit, const SimulationRequest& request = {}) {
        const auto accepted = stabilizer->accepts(circuit, request);
        return accepted ? std::string{} : accepted.error().message;
    };
    CHECK(reason(*circuitOf("qreg q[2]; h q;\nt q[1];")) ==
          "line 4: gate 't' is not a Clifford gate; 'statevector' and 'mps' take it");
    Circuit huge;
    huge.qubits = 50'000'000;
    huge.qregs = {{"q", 0, huge.qubits}};
    const std::string text = reason(huge);
    CHECK(text.find("tableaus of 50000000 qubits need ") == 0);
    CHECK(text.find(" qubits would fit") != std::string::npos);
    SimulationRequest request;
    request.amplitudes = true;
    CHECK(reason(*circuitOf("qreg q[2]; h q;"), request) ==
          "the simulator 'stabilizer' keeps no amplitudes; 'statevector' does");
    TestRun run;
    run.stop.request_stop();
    const auto stopped = stabilizer->run(*circuitOf("qreg q[4]; h q;"), {}, run.context);
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}
