// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const auto mps = makeMpsSimulator();

double worstProbability(const SimulationResult& result, const oracle::Vector& state) {
    std::vector<double> probabilities(state.size());
    for (const BasisProbability& each : result.probabilities) probabilities[each.index] = each.probability;
    double worst = 0;
    for (std::size_t k = 0; k < state.size(); ++k)
        worst = std::max(worst, std::abs(probabilities[k] - std::norm(state[k])));
    return worst;
}

std::vector<std::string> allPaulis(int qubits) {
    std::vector<std::string> result;
    for (int k = 0; k < 1 << 2 * qubits; ++k) {
        std::string text;
        for (int q = 0; q < qubits; ++q) text += "IXYZ"[k >> 2 * q & 3];
        result.push_back(text);
    }
    return result;
}

} // namespace

TEST_CASE("random circuits over the whole table, as matrix product states, agree with the definition") {
    std::mt19937 random(41);
    for (int round = 0; round < 1000; ++round) {
        const int qubits = 1 + round % 8;
        const Circuit circuit = randomCircuit(qubits, 4 * qubits, random);
        const auto state = oracle::finalState(circuit);
        SimulationRequest request;
        request.top = 1 << qubits;
        request.cutoff = 0;
        for (int k = 0; k < 6; ++k) request.observables.push_back(randomPauli(qubits, random));
        const auto result = ran(*mps, circuit, request);
        INFO("round " << round);
        CHECK(worstProbability(result, state) < 1e-12);
        for (const auto& [text, value, error] : result.expectations)
            CHECK(std::abs(value - oracle::expectation(text, state)) < 1e-11);
        CHECK(result.fidelity > 1 - 1e-10);
        CHECK(result.norm == Approx(1).margin(1e-12));
        CHECK(result.bond <= 1 << qubits / 2);
    }
}

TEST_CASE("a matrix product state with its full bond equals the state vector") {
    std::mt19937 random(42);
    const Circuit circuit = randomCircuit(11, 120, random);
    SimulationRequest request;
    request.top = 1 << 11;
    request.bond = 32;
    request.cutoff = 0; // the default drops amplitudes of 1e-8
    for (int k = 0; k < 20; ++k) request.observables.push_back(randomPauli(11, random));
    TestRun run;
    const auto wanted = simulated(circuit, request, run);
    const auto result = ran(*mps, circuit, request);
    CHECK(worstProbability(result, amplitudesOf(wanted.state, run)) < 1e-12);
    for (std::size_t k = 0; k < 20; ++k)
        CHECK(result.expectations[k].value == Approx(wanted.expectations[k].value).margin(1e-11));
    CHECK(result.bond == 32);
}

TEST_CASE("the fidelity that is reported bounds the true one") {
    std::mt19937 random(43);
    int truncated = 0;
    for (int round = 0; round < 30; ++round) {
        const Circuit circuit = randomCircuit(5, 12 + round % 5, random);
        SimulationRequest request;
        request.bond = 2 + round % 2;
        request.cutoff = 1e-3;
        request.observables = allPaulis(5);
        const auto result = ran(*mps, circuit, request);
        const auto state = oracle::finalState(circuit);
        // For pure states: the sum over all Pauli strings of the products of their values, over 2^n.
        double overlap = 0;
        for (const auto& [text, value, error] : result.expectations) overlap += value * oracle::expectation(text, state) / 32;
        CHECK(result.fidelity <= overlap + 1e-10);
        CHECK(result.norm == Approx(1).margin(1e-12));
        truncated += overlap < 1 - 1e-6;
        if (overlap < 1 - 1e-6) CHECK(result.fidelity < 1 - 1e-6);
    }
    CHECK(truncated > 5);
}

TEST_CASE("counts of matrix product states follow every branch of measurements, resets and conditions") {
    std::mt19937 random(44);
    for (int round = 0; round < 80; ++round) {
        Circuit circuit = randomCircuit(2 + round % 4, 12, random);
        if (round % 4 != 0) disturb(circuit, 5, true, random);
        SimulationRequest request;
        request.shots = 5000;
        request.seed = 100 + static_cast<std::uint64_t>(round);
        const auto result = ran(*mps, circuit, request);
        const auto test = oracle::chiSquare(oracle::outcomeDistribution(circuit), countsOf(result));
        INFO("round " << round);
        CHECK_FALSE(test.impossible);
        CHECK(test.value < test.cells + 5 * std::sqrt(2.0 * test.cells) + 5);
        CHECK(result.fidelity > 1 - 1e-9);
    }
}

TEST_CASE("counts of matrix product states depend on the seed, not on threads") {
    std::mt19937 random(45);
    Circuit circuit = randomCircuit(7, 40, random);
    disturb(circuit, 4, true, random);
    SimulationRequest request;
    request.shots = 2000;
    std::vector<std::map<std::string, std::int64_t>> all;
    for (const int threads : {1, 2, 3}) {
        const ThreadLimit limit(threads);
        all.push_back(countsOf(ran(*mps, circuit, request)));
    }
    CHECK(all[0] == all[1]);
    CHECK(all[0] == all[2]);
    request.seed = 1;
    CHECK(all[0] != countsOf(ran(*mps, circuit, request)));
}

TEST_CASE("a hundred qubits joined over long distances need a small bond") {
    constexpr int kQubits = 100;
    Circuit circuit;
    circuit.qregs = {{"q", 0, kQubits}};
    circuit.cregs = {{"c", 0, 1}};
    circuit.qubits = kQubits;
    circuit.clbits = 1;
    append(circuit, "ry", {1.0}, {99});
    for (int q = 0; q < 99; ++q) append(circuit, "cx", {}, {99, q});
    SimulationRequest request;
    request.shots = 3000;
    request.top = 3;
    request.observables = {"Z0 Z57", "Z12", "X0 X1", std::string(kQubits, 'X')};
    const double one = std::sin(0.5) * std::sin(0.5);
    const auto result = ran(*mps, circuit, request);
    CHECK(result.bond == 2);
    CHECK(result.fidelity > 1 - 1e-10);
    const double wanted[] = {1, 1 - 2 * one, 0, std::sin(1.0)};
    for (std::size_t k = 0; k < 4; ++k) CHECK(result.expectations[k].value == Approx(wanted[k]).margin(1e-11));
    REQUIRE(result.probabilities.size() == 2);
    CHECK(result.probabilities[0].bits == std::string(kQubits, '0'));
    CHECK(result.probabilities[1].bits == std::string(kQubits, '1'));
    CHECK(result.probabilities[1].probability == Approx(one));
    const auto counts = countsOf(result);
    REQUIRE(counts.size() == 2);
    CHECK(static_cast<double>(counts.at(std::string(kQubits, '1'))) ==
          Approx(3000 * one).margin(5 * std::sqrt(3000 * one)));

    appendMeasure(circuit, 50, 0);
    append(circuit, "h", {}, {50});
    request.seed = 3;
    const auto measured = ran(*mps, circuit, request);
    CHECK(std::abs(measured.expectations[0].value) == Approx(1));
    CHECK(measured.expectations[1].value == Approx(measured.state.clbits[0] ? -1 : 1));
}

TEST_CASE("the simulator of matrix product states refuses what it cannot hold, before it begins") {
    const auto reason = [&](const Circuit& circuit, const SimulationRequest& request = {}) {
        const auto accepted = mps->accepts(circuit, request);
        return accepted ? std::string{} : accepted.error().message;
    };
    std::mt19937 random(46);
    const Circuit deep = randomCircuit(60, 4000, random);
    SimulationRequest request;
    request.bond = 1 << 16;
    const std::string text = reason(deep, request);
    CHECK(text.find("a matrix product state of 60 qubits and bond 65536 may need ") == 0);
    CHECK(text.find(" would fit") != std::string::npos);
    request.bond = 8;
    CHECK(reason(deep, request).empty());
    for (const int bond : {0, -1, (1 << 16) + 1}) {
        request.bond = bond;
        CHECK_FALSE(reason(deep, request).empty());
    }
    request.bond = 8;
    for (const double cutoff : {-1e-9, 1.0, std::nan("")}) {
        request.cutoff = cutoff;
        CHECK_FALSE(reason(deep, request).empty());
    }
    TestRun run;
    run.stop.request_stop();
    const auto stopped = mps->run(*circuitOf("qreg q[4]; h q;"), {}, run.context);
    REQUIRE_FALSE(stopped.has_value());
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}
