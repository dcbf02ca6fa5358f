// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/cutting/cutting.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// Gates within qubits 0..3 and 4..7, shuffled by `order`, and the gates given across them.
Circuit twoHalves(const std::vector<GateOp>& across, const std::vector<int>& order, std::mt19937& random) {
    Circuit circuit;
    circuit.qregs = {{"q", 0, 8}};
    circuit.qubits = 8;
    const auto add = [&](GateOp gate, int first) {
        for (int& q : gate.qubits) q = order[static_cast<std::size_t>(q + first)];
        append(circuit, gate.name, gate.parameters, gate.qubits);
    };
    const auto local = [&] {
        for (const int first : {0, 4})
            for (const Operation& operation : randomCircuit(4, 10, random).operations)
                add(std::get<GateOp>(operation.what), first);
    };
    local();
    for (const GateOp& gate : across) {
        add(gate, 0);
        local();
    }
    return circuit;
}

} // namespace

TEST_CASE("a circuit of eight qubits runs on pieces of five and keeps its values") {
    std::mt19937 random(71);
    const std::vector<std::vector<GateOp>> cases = {
        {{"cx", {}, {0, 4}}},
        {{"cx", {}, {7, 1}}, {"cu3", {0.4, 1.1, -0.6}, {2, 5}}},
        {{"rxx", {0.7}, {0, 6}}, {"ryy", {-1.3}, {5, 3}}, {"rzx", {0.9}, {2, 4}}},
        {{"crz", {0.8}, {4, 0}}, {"cp", {2.1}, {3, 7}}, {"ch", {}, {1, 5}}},
        {{"cu", {0.3, 0.5, 0.7, 0.9}, {6, 2}}, {"csx", {}, {0, 7}}, {"rzz", {0.4}, {3, 4}}, {"cy", {}, {5, 1}}}};
    for (std::size_t k = 0; k < cases.size(); ++k) {
        INFO("case " << k);
        const std::vector<int> order =
            k % 2 ? std::vector<int>{3, 0, 6, 5, 1, 7, 2, 4} : std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7};
        const Circuit circuit = twoHalves(cases[k], order, random);
        const auto cut = planCut(circuit, 5);
        REQUIRE(cut.has_value());
        CHECK(cut->pieces[0].size() <= 5);
        CHECK(cut->pieces[1].size() <= 5);
        CHECK(cut->cutGates.size() <= cases[k].size());
        const auto state = oracle::finalState(circuit);
        TestRun run;
        for (int each = 0; each < 6; ++each) {
            const std::string text = randomPauli(8, random);
            const auto value = cutExpectation(circuit, *cut, *parsePauliFactors(text, 8), run.context);
            REQUIRE(value.has_value());
            CHECK(*value == Approx(oracle::expectation(text, state)).margin(1e-11));
        }
    }
}

TEST_CASE("the overhead of a cut is that of its angles") {
    std::mt19937 random(72);
    const std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7};
    CHECK(planCut(twoHalves({{"cx", {}, {0, 4}}}, order, random), 4)->overhead == Approx(9)); // sin 2t = 1: 3 squared
    CHECK(planCut(twoHalves({{"rzz", {0.2}, {0, 4}}}, order, random), 4)->overhead ==
          Approx(std::pow(1 + 2 * std::sin(0.2), 2)));
    CHECK(planCut(twoHalves({}, order, random), 4)->overhead == Approx(1));
}

TEST_CASE("a cut is refused where there is none") {
    std::mt19937 random(73);
    const std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7};
    const auto reason = [](const Circuit& circuit, int most) {
        const auto cut = planCut(circuit, most);
        return cut ? std::string{} : cut.error().message;
    };
    CHECK(reason(twoHalves({}, order, random), 3) == "two pieces of 3 qubits do not hold 8");
    CHECK(reason(*circuitOf("qreg q[2]; swap q[0],q[1];"), 1) ==
          "no cut into pieces of at most 1 qubits goes through at most 8 gates that can be cut");
    CHECK(reason(*circuitOf("qreg q[2]; creg c[1];\nmeasure q[0] -> c[0]; x q[0];"), 1).find("line 4: ") == 0);
    Circuit wide;
    wide.qubits = 21;
    CHECK(reason(wide, 20) == "circuits of 2 to 20 qubits are cut; this one has 21");
}
