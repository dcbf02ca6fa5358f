// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>
#include <map>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

SimulationRequest withShots(std::int64_t shots, std::uint64_t seed = 1) {
    SimulationRequest request;
    request.shots = shots;
    request.seed = seed;
    return request;
}

} // namespace

TEST_CASE("random circuits over the whole table agree with the definition") {
    std::mt19937 random(2);
    TestRun run;
    for (int round = 0; round < 60; ++round) {
        const int qubits = 1 + round % 9;
        const Circuit circuit = randomCircuit(qubits, 60, random);
        const auto wanted = oracle::finalState(circuit);
        for (const Precision precision : {Precision::Double, Precision::Single}) {
            SimulationRequest request;
            request.precision = precision;
            const auto result = simulated(circuit, request, run);
            INFO("round " << round << " with " << qubits << " qubits");
            // One rounding per gate and amplitude: 60 gates stay far below these.
            CHECK(oracle::distance(amplitudesOf(result.state, run), wanted) < (precision == Precision::Double ? 1e-12 : 1e-5));
            CHECK(result.gates == 60);
            CHECK(result.fusedGates <= 60);
            CHECK(result.norm == Approx(1).margin(precision == Precision::Double ? 1e-12 : 1e-5));
        }
    }
}

TEST_CASE("larger states, whose gates run region by region and in parallel, agree with the definition") {
    std::mt19937 random(3);
    TestRun run;
    const Circuit circuit = randomCircuit(17, 40, random);
    const auto wanted = oracle::finalState(circuit);
    for (const Precision precision : {Precision::Double, Precision::Single}) {
        SimulationRequest request;
        request.precision = precision;
        const auto result = simulated(circuit, request, run);
        CHECK(oracle::distance(amplitudesOf(result.state, run), wanted) < (precision == Precision::Double ? 1e-12 : 1e-5));
    }
}

TEST_CASE("a circuit followed by its inverse gives back the first state") {
    const auto circuit = circuitOf("qreg q[5]; h q; cx q[0],q[3]; rz(0.3) q[3]; ccx q[1],q[2],q[4]; cu3(0.1,0.2,0.3) q[4],q[0]; swap q[1],q[3];"
                                   "swap q[1],q[3]; cu3(-0.1,-0.3,-0.2) q[4],q[0]; ccx q[1],q[2],q[4]; rz(-0.3) q[3]; cx q[0],q[3]; h q;");
    TestRun run;
    const auto result = simulated(*circuit, {}, run);
    REQUIRE(result.probabilities.front().index == 0);
    CHECK(result.probabilities.front().probability == Approx(1).margin(1e-13));
}

TEST_CASE("renaming qubits renames the bits of every basis state") {
    std::mt19937 random(8);
    TestRun run;
    const Circuit circuit = randomCircuit(5, 40, random);
    const std::vector<int> to = {3, 0, 4, 1, 2};
    Circuit renamed = circuit;
    for (Operation& operation : renamed.operations)
        for (int& qubit : std::get<GateOp>(operation.what).qubits) qubit = to[static_cast<std::size_t>(qubit)];
    const auto a = amplitudesOf(simulated(circuit, {}, run).state, run);
    const auto b = amplitudesOf(simulated(renamed, {}, run).state, run);
    for (std::size_t index = 0; index < a.size(); ++index) {
        std::size_t moved = 0;
        for (std::size_t k = 0; k < to.size(); ++k) moved |= (index >> k & 1) << to[k];
        CHECK(std::abs(a[index] - b[moved]) < 1e-13);
    }
}

TEST_CASE("counts print the last declared register leftmost and its highest bit first") {
    const auto circuit = circuitOf("qreg q[3]; creg a[2]; creg b[3]; x q[0]; measure q[0] -> a[1]; measure q[0] -> b[0];");
    TestRun run;
    CHECK(countsOf(simulated(*circuit, withShots(10), run)) == std::map<std::string, std::int64_t>{{"001 10", 10}});
    CHECK(countsOf(simulated(*circuitOf("qreg q[3]; x q[1];"), withShots(7), run)) ==
          std::map<std::string, std::int64_t>{{"010", 7}});
}

TEST_CASE("measurements at the end leave the state as it was before them") {
    const auto circuit = circuitOf("qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;");
    TestRun run;
    const auto result = simulated(*circuit, withShots(100), run);
    REQUIRE(result.probabilities.size() == 2);
    CHECK(result.probabilities[0].probability == Approx(0.5));
    CHECK(result.probabilities[0].index == 0);
    CHECK(result.probabilities[1].index == 3);
    const auto counts = countsOf(result);
    CHECK(counts.size() == 2);
    CHECK(counts.at("00") + counts.at("11") == 100);
}

TEST_CASE("sampled counts follow the probabilities") {
    std::mt19937 random(21);
    const Circuit circuit = randomCircuit(6, 50, random);
    const auto state = oracle::finalState(circuit);
    TestRun run;
    constexpr std::int64_t kShots = 200000;
    for (const Precision precision : {Precision::Double, Precision::Single}) {
        auto request = withShots(kShots, 12345);
        request.precision = precision;
        const auto counts = countsOf(simulated(circuit, request, run));
        double chiSquare = 0;
        int cells = 0;
        for (std::size_t index = 0; index < state.size(); ++index) {
            const double expected = std::norm(state[index]) * kShots;
            std::string bits;
            for (int k = 5; k >= 0; --k) bits += index >> k & 1 ? '1' : '0';
            const auto found = counts.find(bits);
            const double seen = found == counts.end() ? 0 : static_cast<double>(found->second);
            if (expected < 5) continue;
            chiSquare += (seen - expected) * (seen - expected) / expected;
            ++cells;
        }
        // Mean `cells`, standard deviation sqrt(2 cells): five of those at a fixed seed.
        CHECK(cells > 30);
        CHECK(chiSquare < cells + 5 * std::sqrt(2.0 * cells));
    }
}

TEST_CASE("the same seed gives the same counts for any number of threads") {
    const auto circuit = circuitOf("qreg q[18]; creg c[4]; h q; cx q[0],q[17]; rz(0.3) q[4]; ch q[17],q[3]; measure q[0] -> c[0]; h q[0];"
                                   "if (c==1) x q[5]; reset q[3]; measure q[5] -> c[1]; measure q[0] -> c[2];");
    TestRun run;
    std::vector<std::map<std::string, std::int64_t>> all;
    for (const int threads : {1, 2, 3}) {
        const ThreadLimit limit(threads);
        all.push_back(countsOf(simulated(*circuit, withShots(300, 9), run)));
    }
    CHECK(all[0] == all[1]);
    CHECK(all[0] == all[2]);
    CHECK(all[0] != countsOf(simulated(*circuit, withShots(300, 10), run)));
}

TEST_CASE("teleportation moves a state whatever is measured on the way") {
    const auto circuit = circuitOf("qreg q[3]; creg a[1]; creg b[1]; creg r[1]; u3(0.3,0.2,0.1) q[0]; h q[1]; cx q[1],q[2]; cx q[0],q[1]; h q[0];"
                                   "measure q[0] -> a[0]; measure q[1] -> b[0]; if (b==1) x q[2]; if (a==1) z q[2]; u3(-0.3,-0.1,-0.2) q[2]; measure q[2] -> r[0];");
    TestRun run;
    const auto counts = countsOf(simulated(*circuit, withShots(4000, 3), run));
    REQUIRE(counts.size() == 4);
    for (const auto& [bits, count] : counts) {
        CHECK(bits[0] == '0');
        CHECK(count == Approx(1000).margin(5 * std::sqrt(750.0)));
    }
}

TEST_CASE("a measurement in the middle collapses the state of its trajectory") {
    const auto circuit = circuitOf("qreg q[2]; creg c[1]; h q[0]; measure q[0] -> c[0]; cx q[0],q[1];");
    TestRun run;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const auto result = simulated(*circuit, withShots(0, seed), run);
        REQUIRE(result.probabilities.size() == 1);
        CHECK(result.probabilities[0].probability == Approx(1));
        CHECK(result.probabilities[0].index == (result.state.clbits[0] ? 3u : 0u));
    }
}

TEST_CASE("reset gives zero, also of an entangled qubit, and is free on an untouched one") {
    TestRun run;
    const auto entangled = circuitOf("qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; reset q[0]; measure q -> c;");
    const auto counts = countsOf(simulated(*entangled, withShots(1000, 4), run));
    REQUIRE(counts.size() == 2);
    CHECK(counts.at("00") + counts.at("10") == 1000);
    CHECK(counts.at("00") == Approx(500).margin(80));
    const auto fresh = simulated(*circuitOf("qreg q[2]; reset q; h q[0];"), {}, run);
    CHECK(fresh.probabilities.size() == 2);
}

TEST_CASE("a measured bit that a later condition reads counts as it was then") {
    // q[0] is 1 when measured into c, so the condition holds; a later overwrite of the bit prints.
    const auto circuit = circuitOf("qreg q[3]; creg c[1]; creg d[1]; x q[0]; measure q[0] -> c[0]; if (c==1) x q[1];"
                                   "measure q[2] -> c[0]; measure q[1] -> d[0];");
    TestRun run;
    CHECK(countsOf(simulated(*circuit, withShots(5), run)) == std::map<std::string, std::int64_t>{{"1 0", 5}});
}

TEST_CASE("only the first steps run when asked") {
    const auto circuit = circuitOf("gate pair a,b { x a; x b; }\nqreg q[3]; x q[0]; pair q[1],q[2]; x q[0];");
    TestRun run;
    const std::uint64_t wanted[] = {0, 1, 7, 6, 6};
    for (std::size_t steps = 0; steps < 5; ++steps) {
        SimulationRequest request;
        request.steps = steps;
        CHECK(simulated(*circuit, request, run).probabilities.at(0).index == wanted[steps]);
    }
}

TEST_CASE("expectation values follow their definition") {
    std::mt19937 random(31);
    TestRun run;
    for (int round = 0; round < 10; ++round) {
        const Circuit circuit = randomCircuit(5, 40, random);
        SimulationRequest request;
        for (int k = 0; k < 8; ++k) {
            std::string text;
            for (int q = 0; q < 5; ++q) text += "IXYZ"[random() % 4];
            request.observables.push_back(text);
        }
        const auto result = simulated(circuit, request, run);
        const auto state = oracle::finalState(circuit);
        for (const ObservableValue& found : result.expectations) {
            const std::string& text = found.observable;
            const double value = found.value;
            oracle::Vector image = state;
            for (int qubit = 0; qubit < 5; ++qubit) {
                const char letter = text[static_cast<std::size_t>(4 - qubit)];
                const std::string name(1, static_cast<char>(letter == 'I' ? 0 : letter - 'A' + 'a'));
                if (letter != 'I') image = oracle::applied(oracle::matrixOf(name, {}), {&qubit, 1}, image);
            }
            std::complex<double> wanted = 0;
            for (std::size_t k = 0; k < state.size(); ++k) wanted += std::conj(state[k]) * image[k];
            INFO(text);
            CHECK(value == Approx(wanted.real()).margin(1e-12));
        }
    }
}

TEST_CASE("Pauli strings are read in both spellings") {
    CHECK(parsePauli("ZXI", 3)->z == 4);
    CHECK(parsePauli("ZXI", 3)->x == 2);
    CHECK(parsePauli("Y0 Z2", 3)->z == 5);
    CHECK(parsePauli("Y0Z2", 3)->x == 1);
    CHECK(parsePauli("III", 3)->x == 0);
    for (const char* wrong : {"ZZ", "ZZZZ", "ZAZ", "Z3", "Z0 Z0", "0Z", "Z-1", "Z0 W1", "Z 0", "zzz", "Z99999999999"}) {
        INFO(wrong);
        CHECK_FALSE(parsePauli(wrong, 3).has_value());
    }
}

TEST_CASE("what cannot run is refused with the reason and what could") {
    const auto simulator = makeStatevectorSimulator();
    const auto reason = [&](const Circuit& circuit, const SimulationRequest& request = {}) {
        const auto accepted = simulator->accepts(circuit, request);
        return accepted ? std::string{} : accepted.error().message;
    };
    CHECK(reason(*circuitOf("qreg q[60]; h q;")) ==
          "a state vector of 60 qubits needs 16 EiB, more than any machine has; all of its gates are Clifford gates, "
          "so that a stabilizer engine could run it");
    CHECK(reason(*circuitOf("qreg q[433]; t q;")) ==
          "a state vector of 433 qubits needs 2^437 bytes, more than any machine has; a matrix product state engine could "
          "run it if its qubits are weakly entangled");
    const std::string large = reason(*circuitOf("qreg q[40]; h q;"));
    CHECK(large.find("a state vector of 40 qubits needs 16 TiB, ") == 0);
    CHECK(large.find(" are free; ") != std::string::npos);
    CHECK(reason(*circuitOf("qreg q[10]; h q;")).empty());
    SimulationRequest wrong;
    wrong.method = "density";
    CHECK(reason(*circuitOf("qreg q[1]; h q;"), wrong) == "the simulator 'statevector' was asked to run as 'density'");
    wrong.method = "auto";
    wrong.observables = {"ZZ"};
    CHECK_FALSE(reason(*circuitOf("qreg q[1]; h q;"), wrong).empty());
}

TEST_CASE("a stopped run publishes nothing") {
    TestRun run;
    run.stop.request_stop();
    const auto result = makeStatevectorSimulator()->run(*circuitOf("qreg q[4]; h q;"), {}, run.context);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::Cancelled);
}
