// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/planner/planner.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const auto statevector = makeStatevectorSimulator();
const auto stabilizer = makeStabilizerSimulator();
const auto mps = makeMpsSimulator();
const std::vector<const Simulator*> all = {mps.get(), stabilizer.get(), statevector.get()};

Circuit emptyCircuit(int qubits) {
    Circuit circuit;
    circuit.version = "2.0";
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    return circuit;
}

SimulationPlan planned(const Circuit& circuit, const SimulationRequest& request = {}) {
    auto plan = planSimulation(circuit, request, all);
    REQUIRE(plan.has_value());
    return std::move(*plan);
}

SimulationResult carriedOut(const SimulationPlan& plan, const Circuit& circuit, const SimulationRequest& request) {
    TestRun run;
    auto result = runPlan(plan, circuit, request, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

const PlanCandidate& candidate(const SimulationPlan& plan, const std::string& id) {
    for (const PlanCandidate& each : plan.candidates)
        if (each.simulator->id() == id) return each;
    FAIL("no candidate " + id);
    std::abort();
}

/// Random gates of up to three qubits within each of some groups of qubits that are spread over the circuit.
Circuit scattered(const std::vector<std::vector<int>>& groups, int gates, std::mt19937& random) {
    int qubits = 0;
    for (const auto& group : groups) qubits += static_cast<int>(group.size());
    Circuit circuit = emptyCircuit(qubits);
    for (const auto& group : groups) {
        const Circuit inner = randomCircuit(static_cast<int>(group.size()), gates, random);
        for (const Operation& operation : inner.operations) {
            auto gate = std::get<GateOp>(operation.what);
            for (int& q : gate.qubits) q = group[static_cast<std::size_t>(q)];
            append(circuit, gate.name, gate.parameters, gate.qubits);
        }
    }
    return circuit;
}

} // namespace

TEST_CASE("small circuits go to the state vector, large Clifford ones to the stabilizers, long weak ones to matrix "
          "products") {
    std::mt19937 random(51);
    CHECK(planned(randomClifford(5, 40, random)).pieces.front().chosen->id() == "statevector");
    CHECK(planned(randomClifford(60, 2000, random)).pieces.front().chosen->id() == "stabilizer");
    Circuit weak = emptyCircuit(80);
    for (int q = 0; q + 1 < 80; ++q) {
        append(weak, "ry", {0.1 * q}, {q});
        append(weak, "cx", {}, {q, q + 1});
    }
    const auto plan = planned(weak);
    CHECK(plan.pieces.front().chosen->id() == "mps");
    CHECK(plan.error == 0);
    CHECK(plan.survey.entanglementBits == 1);
    CHECK(plan.survey.twoQubitGates == 79);
    CHECK(plan.survey.cliffordFraction == Approx(80.0 / 158)); // ry(0) too
    CHECK(candidate(plan, "stabilizer").verdict.find("refused: ") == 0);
    CHECK(candidate(plan, "statevector").verdict.find("refused: a state vector of 80 qubits needs 16 YiB") != 0);
    CHECK(candidate(plan, "mps").verdict == "chosen: exact and quick");
}

TEST_CASE("the method that is asked for runs, or says why it cannot") {
    std::mt19937 random(52);
    const Circuit circuit = randomCircuit(4, 20, random);
    SimulationRequest request;
    request.method = "mps";
    CHECK(planned(circuit, request).pieces.front().chosen->id() == "mps");
    CHECK(candidate(planned(circuit, request), "statevector").verdict == "not asked for");
    request.method = "stabilizer";
    const auto refused = planned(circuit, request);
    REQUIRE(refused.refusal);
    CHECK(refused.refusal->message.find("is not a Clifford gate") != std::string::npos);
    CHECK(refused.pieces.empty());
    TestRun run;
    CHECK_FALSE(runPlan(refused, circuit, request, run.context).has_value());
    request.method = "nosuch";
    const auto unknown = planSimulation(circuit, request, all);
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().message == "unknown method 'nosuch'; there are auto, mps, stabilizer, statevector");
}

TEST_CASE("parts that do not interact are told apart, classical bits included") {
    const auto sizes = [](const std::string& body) {
        std::vector<std::vector<int>> result;
        for (const CircuitPart& part : independentParts(*circuitOf(body))) result.push_back(part.qubits);
        return result;
    };
    using Parts = std::vector<std::vector<int>>;
    CHECK(sizes("qreg q[5]; cx q[0],q[3]; cx q[4],q[1];") == Parts{{0, 3}, {1, 4}, {2}});
    CHECK(sizes("qreg q[3]; creg c[3]; h q; barrier q; measure q -> c;") == Parts{{0}, {1}, {2}});
    CHECK(sizes("qreg q[3]; creg c[3]; h q; measure q[0] -> c[0]; if (c==1) x q[2];") == Parts{{0, 2}, {1}});
    CHECK(sizes("qreg q[3]; creg c[3]; if (c==0) x q[2]; measure q[1] -> c[1]; measure q[0] -> c[1];") ==
          Parts{{0, 1, 2}});
    CHECK(sizes("qreg q[2]; creg c[1]; measure q[0] -> c[0]; measure q[1] -> c[0];") == Parts{{0, 1}});
    CHECK(sizes("gate pair a,b { x a; x b; }\nqreg q[2]; pair q[0],q[1];") == Parts{{0}, {1}});
}

TEST_CASE("parts that run by themselves give what the whole gives") {
    std::mt19937 random(53);
    const std::vector<std::vector<int>> groups = {{0, 4, 8}, {1, 5, 3}, {2, 6, 7}};
    for (int round = 0; round < 6; ++round) {
        Circuit circuit = scattered(groups, 25, random);
        const auto state = oracle::finalState(circuit);
        SimulationRequest request;
        request.top = 20;
        request.shots = 20000;
        request.seed = static_cast<std::uint64_t>(round);
        for (int k = 0; k < 10; ++k) request.observables.push_back(randomPauli(9, random));
        if (round % 2) {
            circuit.cregs = {{"a", 0, 2}, {"b", 2, 2}};
            circuit.clbits = 4;
            for (int k = 0; k < 4; ++k) appendMeasure(circuit, 2 * k, k);
        }
        auto plan = planned(circuit, request);
        CHECK(plan.parts == 3);
        CHECK(plan.shape == SimulationPlan::Shape::Whole); // too quick to be worth it
        plan.shape = SimulationPlan::Shape::Parts;
        plan.pieces.clear();
        for (auto& part : independentParts(circuit)) {
            PlannedPiece piece;
            piece.part = std::move(part);
            piece.chosen = plan.pieces.size() == 1 ? mps.get() : statevector.get();
            plan.pieces.push_back(std::move(piece));
        }
        const auto result = carriedOut(plan, circuit, request);
        CHECK(result.method == "mps+statevector");
        for (const auto& [text, value, error] : result.expectations)
            CHECK(value == Approx(oracle::expectation(text, state)).margin(1e-9));
        REQUIRE(result.probabilities.size() == 20);
        std::vector<double> sorted;
        for (const auto& amplitude : state) sorted.push_back(std::norm(amplitude));
        std::sort(sorted.begin(), sorted.end(), std::greater{});
        for (std::size_t k = 0; k < 20; ++k) {
            CHECK(result.probabilities[k].probability == Approx(sorted[k]).margin(1e-10));
            CHECK(result.probabilities[k].probability ==
                  Approx(std::norm(state[result.probabilities[k].index])).margin(1e-10));
        }
        const auto test = oracle::chiSquare(oracle::outcomeDistribution(circuit), countsOf(result));
        CHECK_FALSE(test.impossible);
        CHECK(test.value < test.cells + 5 * std::sqrt(2.0 * test.cells) + 5);
    }
}

TEST_CASE("a circuit too wide for any one run is split where it can be") {
    std::mt19937 random(54);
    std::vector<std::vector<int>> groups;
    for (int g = 0; g < 6; ++g) {
        std::vector<int> group(10);
        std::iota(group.begin(), group.end(), 10 * g);
        groups.push_back(group);
    }
    const Circuit circuit = scattered(groups, 150, random);
    SimulationRequest request;
    request.method = "statevector";
    request.observables = {"Z3 X17 Y44"};
    const auto plan = planned(circuit, request);
    CHECK(plan.shape == SimulationPlan::Shape::Parts);
    CHECK(plan.pieces.size() >= 6);
    const auto result = carriedOut(plan, circuit, request);
    double wanted = 1;
    for (const auto& [group, text] :
         {std::pair{0, std::string("IIIIIIZIII")}, {1, std::string("IIXIIIIIII")}, {4, std::string("IIIIIYIIII")}}) {
        Circuit inner = emptyCircuit(10);
        for (const Operation& operation : circuit.operations) {
            auto gate = std::get<GateOp>(operation.what);
            if (gate.qubits.front() / 10 != group) continue;
            for (int& q : gate.qubits) q %= 10;
            append(inner, gate.name, gate.parameters, gate.qubits);
        }
        wanted *= oracle::expectation(text, oracle::finalState(inner));
    }
    CHECK(result.expectations.front().value == Approx(wanted).margin(1e-11));
}

TEST_CASE("observables run in their light cones when nothing else is asked for") {
    std::mt19937 random(55);
    for (int round = 0; round < 20; ++round) {
        const Circuit circuit = randomCircuit(8, 10, random);
        const auto state = oracle::finalState(circuit);
        const std::string text = randomPauli(8, random);
        const auto factors = parsePauliFactors(text, 8);
        const auto cone = lightCone(circuit, *factors);
        REQUIRE(cone);
        if (factors->empty()) continue;
        SimulationRequest request;
        request.observables = {restricted(*factors, *cone)};
        TestRun run;
        CHECK(simulated(cone->circuit, request, run).expectations.front().value ==
              Approx(oracle::expectation(text, state)).margin(1e-12));
    }
    // Two layers on sixty qubits reach four of them.
    Circuit wide = emptyCircuit(60);
    for (int layer = 0; layer < 2; ++layer)
        for (int q = layer; q + 1 < 60; q += 2) {
            append(wide, "ry", {0.3 + q}, {q});
            append(wide, "cu3", {0.4, 0.2 * q, 0.1}, {q, q + 1});
        }
    SimulationRequest request;
    request.method = "statevector";
    request.observables = {"Z29", "I" + std::string(59, 'I')};
    const auto refused = planned(wide, request);
    REQUIRE(refused.refusal);
    CHECK(refused.refusal->message.find("its observables alone could be had") != std::string::npos);
    request.top = 0;
    const auto plan = planned(wide, request);
    CHECK(plan.shape == SimulationPlan::Shape::LightCones);
    CHECK(plan.pieces.front().part.circuit.qubits == 4);
    const auto result = carriedOut(plan, wide, request);
    CHECK(result.expectations[1].value == 1);
    request.method = "mps";
    request.top = 1;
    CHECK(result.expectations[0].value == Approx(ran(*mps, wide, request).expectations[0].value).margin(1e-9));
    CHECK_FALSE(lightCone(*circuitOf("qreg q[1]; creg c[1]; h q; measure q -> c; h q;"), {}));
}

TEST_CASE("the simulators agree on the published circuits that they hold") {
    int byStabilizers = 0, byProducts = 0;
    for (const char* folder : {"qasm/qasmbench", "qasm/qpp"}) {
        const auto root = realData(folder);
        if (!root) return;
        std::vector<std::filesystem::path> paths;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(*root))
            if (entry.path().extension() == ".qasm") paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        for (const auto& path : paths) {
            const auto circuit = parseQasm(readText(path)).circuit;
            if (!circuit || circuit->qubits > 16) continue;
            INFO(path.string());
            SimulationRequest request;
            for (int q = 0; q < circuit->qubits; ++q)
                request.observables.push_back(
                    fmt::format("Z{} Z{}", q, (q + 1) % circuit->qubits == q ? q + 1 : (q + 1) % circuit->qubits));
            if (circuit->qubits == 1) request.observables = {"Z", "X"};
            for (int q = 0; q < circuit->qubits; ++q) request.observables.push_back(fmt::format("X{}", q));
            if (!statevector->accepts(*circuit, request)) continue;
            const auto program = surveyCircuit(*circuit);
            if (program.gates > 800) continue;
            TestRun run;
            const auto wanted = simulated(*circuit, request, run);
            for (const Simulator* other : {stabilizer.get(), mps.get()}) {
                if (!other->accepts(*circuit, request)) continue;
                const auto result = ran(*other, *circuit, request);
                // Resets of untouched qubits draw a number in one and none in another: branches may differ then.
                if (program.events > 0 && result.state.clbits != wanted.state.clbits) continue;
                if (program.events == 0)
                    for (std::size_t k = 0; k < wanted.expectations.size(); ++k)
                        CHECK(std::abs(result.expectations[k].value - wanted.expectations[k].value) < 1e-6);
                ++(other == mps.get() ? byProducts : byStabilizers);
            }
        }
    }
    CHECK(byStabilizers > 3);
    CHECK(byProducts > 30);
}
