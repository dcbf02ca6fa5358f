// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "tests/unit/quantum/noise_support.h"

#include "engine/quantum/sim/noise_json.h"
#include "engine/quantum/sim/pauli_transfer.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::vector<std::string> someObservables(int qubits, int count, std::mt19937& random) {
    std::vector<std::string> list;
    for (int k = 0; k < count; ++k) {
        std::string text;
        for (int qubit = 0; qubit < qubits; ++qubit) text += "IXYZ"[random() % 4];
        list.push_back(text);
    }
    return list;
}

/// The error bars hold: five standard errors each at a fixed seed, and their size is right on average.
void checkErrorBars(const Circuit& circuit, SimulationRequest request, TestRun& run) {
    const auto exact = runBy(makeDensitySimulator(), circuit, [&] { auto none = request; none.shots = 0; return none; }(), run);
    const auto result = runBy(makeTrajectorySimulator(), circuit, request, run);
    CHECK(result.trajectories == request.shots);
    CHECK(result.norm == Approx(1).margin(1e-9));
    double squares = 0;
    int bars = 0;
    for (std::size_t k = 0; k < result.expectations.size(); ++k) {
        const auto& found = result.expectations[k];
        const double off = found.value - exact.expectations[k].value;
        INFO(found.observable << " " << found.value << " +- " << found.error << ", exactly " << exact.expectations[k].value);
        CHECK(std::abs(off) <= 5 * found.error + 1e-9);
        if (found.error < 1e-6) continue;
        squares += off * off / (found.error * found.error);
        ++bars;
    }
    REQUIRE(bars > 5);
    CHECK(squares / bars < 4); // about 1; the values are correlated, so only the order counts
    std::map<std::uint64_t, double> p;
    for (const auto& entry : exact.probabilities) p[entry.index] = entry.probability;
    for (const auto& entry : result.probabilities) CHECK(std::abs(entry.probability - p[entry.index]) <= 5 * entry.error + 1e-9);
    std::map<std::string, double> bits;
    for (const auto& [index, probability] : p) {
        std::string text;
        for (int qubit = circuit.qubits - 1; qubit >= 0; --qubit) text += index >> qubit & 1 ? '1' : '0';
        bits[text] = probability;
    }
    checkCounts(countsOf(result), bits);
}

} // namespace

TEST_CASE("trajectories meet the density matrix within their error bars under every channel") {
    std::mt19937 random(7);
    TestRun run;
    for (int round = 0; round < 3; ++round) {
        const Circuit circuit = randomCircuit(3 + round % 2, 20, random);
        SimulationRequest request;
        request.noise = everyChannel();
        request.observables = someObservables(circuit.qubits, 25, random);
        request.shots = 3000;
        request.seed = 5;
        checkErrorBars(circuit, request, run);
    }
}

TEST_CASE("trajectories meet the density matrix under the presets of devices") {
    std::mt19937 random(8);
    TestRun run;
    const Circuit circuit = randomCircuit(4, 30, random);
    for (const char* spec : {"superconducting:t1=3000,t2=2000,p2=0.05", "trapped_ion:p1=0.01", "amplitude_damping:gamma=0.1"}) {
        INFO(spec);
        SimulationRequest request;
        request.noise = preset(spec);
        auto model = *request.noise;
        model.readout = {}; // the listed probabilities are those of the state
        request.noise = std::make_shared<const NoiseModel>(model);
        request.observables = someObservables(4, 25, random);
        request.shots = 3000;
        checkErrorBars(circuit, request, run);
    }
}

TEST_CASE("the same seed gives the same trajectories for any number of threads") {
    const auto circuit = circuitOf("qreg q[5]; creg c[5]; h q; cx q[0],q[4]; measure q[0] -> c[0]; if (c==1) x q[1]; reset q[2]; rx(0.4) q; measure q -> c;");
    TestRun run;
    SimulationRequest request;
    request.noise = preset("superconducting:p2=0.1");
    request.shots = 400;
    request.seed = 9;
    request.observables = {"ZIIII", "IXIIZ"};
    std::vector<SimulationResult> all;
    for (const int threads : {1, 2, 3}) {
        const ThreadLimit limit(threads);
        all.push_back(runBy(makeTrajectorySimulator(), *circuit, request, run));
    }
    for (const auto& each : all) {
        CHECK(countsOf(each) == countsOf(all[0]));
        CHECK(each.expectations[0].value == all[0].expectations[0].value);
        CHECK(each.expectations[1].error == all[0].expectations[1].error);
    }
    request.seed = 10;
    CHECK(countsOf(runBy(makeTrajectorySimulator(), *circuit, request, run)) != countsOf(all[0]));
}

TEST_CASE("a circuit without noise is run once however many shots there are") {
    TestRun run;
    SimulationRequest request;
    request.shots = 100000;
    request.observables = {"ZZ"};
    const auto result = runBy(makeTrajectorySimulator(), *circuitOf("qreg q[2]; h q[0]; cx q[0],q[1];"), request, run);
    CHECK(result.expectations[0].value == Approx(1).margin(1e-12));
    CHECK(result.expectations[0].error == Approx(0).margin(1e-9));
    checkCounts(countsOf(result), {{"00", 0.5}, {"11", 0.5}, {"01", 0}, {"10", 0}});
}

TEST_CASE("time that passes relaxes qubits that wait") {
    NoiseModel model;
    model.decay.all = {1000, 500, 0};
    model.decay.of[2] = {};
    model.durations = {{"1q", 10}, {"cx", 100}};
    SimulationRequest request;
    request.noise = std::make_shared<const NoiseModel>(model);
    TestRun run;
    const auto excited = [&](const std::string& text, std::uint64_t qubit) {
        const auto result = runBy(makeDensitySimulator(), *circuitOf(text), request, run);
        return (1 - result.density->expectation({0, std::uint64_t{1} << qubit})) / 2;
    };
    const auto left = [](double time) { return std::exp(-time / 1000); };
    CHECK(excited("qreg q[1]; x q[0];", 0) == Approx(left(10)));
    CHECK(excited("qreg q[1]; x q[0]; delay(90) q[0];", 0) == Approx(left(100)));
    CHECK(excited("qreg q[3]; x q[2]; delay(90) q[2];", 2) == Approx(1));
    // Qubit 0 waits for the delay on qubit 1, then for the gate itself.
    CHECK(excited("qreg q[2]; x q[0]; delay(210) q[1]; cx q[1],q[0];", 0) == Approx(left(210) * left(100)));
    CHECK(excited("qreg q[2]; x q[0]; delay(210) q[1]; barrier q;", 0) == Approx(left(210)));
    CHECK(excited("qreg q[2]; x q[0]; delay(210) q[1];", 0) == Approx(left(10)));
    request.observables = {"X"};
    const auto coherence = runBy(makeDensitySimulator(), *circuitOf("qreg q[1]; h q[0]; delay(40) q[0];"), request, run);
    CHECK(coherence.expectations[0].value == Approx(std::exp(-50.0 / 500)));
}

TEST_CASE("rules choose gates and qubits") {
    const auto z = [](const std::string& json, const std::string& text, std::uint64_t qubit) {
        const auto parsed = parseJson("{\"rules\": [" + json + "]}");
        REQUIRE(parsed.has_value());
        auto model = noiseFromJson(*parsed);
        REQUIRE(model.has_value());
        SimulationRequest request;
        request.noise = std::make_shared<const NoiseModel>(*std::move(model));
        TestRun run;
        return runBy(makeDensitySimulator(), *circuitOf(text), request, run).density->expectation({0, std::uint64_t{1} << qubit});
    };
    const std::string flip = R"("channel": {"kind": "bit_flip", "p": 0.1}})";
    CHECK(z(R"({"gates": ["x"], )" + flip, "qreg q[2]; x q[0]; y q[1];", 0) == Approx(-0.8));
    CHECK(z(R"({"gates": ["x"], )" + flip, "qreg q[2]; x q[0]; y q[1];", 1) == Approx(-1));
    CHECK(z(R"({"gates": ["1q"], "except": ["y"], )" + flip, "qreg q[2]; x q[0]; y q[1];", 1) == Approx(-1));
    CHECK(z(R"({"gates": ["1q"], "qubits": [1], )" + flip, "qreg q[2]; x q[0]; y q[1];", 0) == Approx(-1));
    CHECK(z(R"({"gates": ["1q"], "qubits": [1], )" + flip, "qreg q[2]; x q[0]; y q[1];", 1) == Approx(-0.8));
    CHECK(z(R"({"gates": ["cx"], )" + flip, "qreg q[2]; cx q[0],q[1];", 1) == Approx(0.8));
    CHECK(z(R"({"gates": ["cx"], "qubits": [0], )" + flip, "qreg q[2]; cx q[0],q[1];", 1) == Approx(1));
    CHECK(z(R"({"gates": ["cx"], "qubits": [[1, 0]], )" + flip, "qreg q[2]; cx q[0],q[1];", 1) == Approx(1));
    CHECK(z(R"({"gates": ["cx"], "qubits": [[0, 1]], )" + flip, "qreg q[2]; cx q[0],q[1];", 1) == Approx(0.8));
    CHECK(z(R"({"gates": ["*"], )" + flip, "qreg q[3]; ccx q[0],q[1],q[2];", 2) == Approx(0.8));
    CHECK(z(R"({"gates": ["*"], )" + flip, "qreg q[1]; reset q[0];", 0) == Approx(1));
    CHECK(z(R"({"gates": ["reset"], )" + flip, "qreg q[1]; reset q[0];", 0) == Approx(0.8));
    // The first argument is the rightmost letter.
    const std::string pair = R"({"gates": ["cx"], "channel": {"kind": "pauli", "chances": {"IX": 0.25}}})";
    CHECK(z(pair, "qreg q[2]; cx q[1],q[0];", 1) == Approx(0.5));
    CHECK(z(pair, "qreg q[2]; cx q[1],q[0];", 0) == Approx(1));
}

TEST_CASE("models survive the way through a file, and wrong ones are refused with their place") {
    NoiseModel model = *everyChannel();
    model.name = "all of them";
    model.rules.front().except = {"h"};
    model.rules.front().qubits = {{0}, {1, 0}};
    model.rules.push_back({{"cx"}, {}, {}, *makePauliChannel({{"XI", 0.1}})});
    model.rules.push_back({{"cx"}, {}, {}, *makeKrausChannel({{1, 0, 0, 0}, {0, std::complex<double>(0, 1), 0, 0}})});
    model.decay.of[3] = {100, 150, 0.1};
    model.readout.all = {0.01, 0.02};
    model.readout.of[2] = {0.1, 0};
    model.durations = {{"1q", 35}, {"cx", 300}};
    const Json written = toJson(model);
    const auto read = noiseFromJson(*parseJson(written.dump()));
    REQUIRE(read.has_value());
    CHECK(toJson(*read) == written);
    CHECK(read->decay.at(3).t2 == 150);
    CHECK(std::isinf(read->decay.at(0).t1));
    CHECK(read->readout.at(2).oneGivenZero == 0.1);
    for (const NoisePreset& each : noisePresets()) {
        const auto made = makeNoisePreset(each.name);
        REQUIRE(made.has_value());
        CHECK(noiseFromJson(toJson(*made)).has_value());
    }
    const auto reason = [](const std::string& text) {
        const auto result = noiseFromJson(*parseJson(text));
        return result ? std::string{} : describe(result.error());
    };
    CHECK(reason("{}").empty());
    CHECK(reason("[]") == "expected an object");
    CHECK(reason(R"({"rulez": []})") == "unknown key 'rulez'");
    CHECK(reason(R"({"rules": [{"gates": ["x"]}]})") == "rule 1: a rule needs 'gates' and 'channel'");
    CHECK(reason(R"({"rules": [{"gates": ["x"], "channel": {"kind": "bit_flip", "p": "x"}}]})") == "rule 1: 'p' of a channel is not a number");
    CHECK(reason(R"({"rules": [{"gates": [3], "channel": {"kind": "bit_flip", "p": 0}}]})") == "rule 1: 'gates' holds something that is no name");
    CHECK(reason(R"({"rules": [{"gates": ["x"], "qubits": [-1], "channel": {"kind": "bit_flip", "p": 0}}]})") ==
          "rule 1: 'qubits' holds something that is no qubit");
    CHECK_FALSE(reason(R"({"rules": [{"gates": ["x"], "channel": {"kind": "kraus", "matrices": [[[1, 0], [0]]]}}]})").empty());
    CHECK_FALSE(reason(R"({"rules": [{"gates": ["x"], "channel": {"kind": "kraus", "matrices": [[[1, 0], [0, 2]]]}}]})").empty());
    CHECK(reason(R"({"decay": [{"t1": 10, "t2": 30}]})") == "decay: t2 30 exceeds 2 t1 = 20");
    CHECK(reason(R"({"readout": [{"one_given_zero": 2}]})") == "readout: chances 2 and 0 are not between 0 and 1");
    CHECK(reason(R"({"durations": {"x": -1}})") == "the duration of x is -1");
    CHECK_FALSE(makeNoisePreset("nosuch").has_value());
    CHECK_FALSE(makeNoisePreset("depolarizing:p1=2").has_value());
    CHECK_FALSE(makeNoisePreset("depolarizing:p3=0.1").has_value());
    CHECK_FALSE(makeNoisePreset("depolarizing:p1").has_value());
    CHECK_FALSE(makeNoisePreset("superconducting:t2=1e9").has_value());
}

TEST_CASE("Pauli propagation meets the density matrix") {
    std::mt19937 random(12);
    TestRun run;
    for (int round = 0; round < 8; ++round) {
        const Circuit circuit = randomCircuit(2 + round % 4, 20, random);
        SimulationRequest request;
        request.noise = everyChannel();
        request.observables = someObservables(circuit.qubits, 10, random);
        const auto exact = runBy(makeDensitySimulator(), circuit, request, run);
        const auto result = runBy(makePauliTransferSimulator(), circuit, request, run);
        for (std::size_t k = 0; k < 10; ++k) {
            CHECK(result.expectations[k].value == Approx(exact.expectations[k].value).margin(1e-12 + result.expectations[k].error));
            CHECK(result.expectations[k].error < 1e-6);
        }
    }
}

TEST_CASE("Pauli propagation bounds what it leaves out") {
    std::mt19937 random(13);
    TestRun run;
    const Circuit circuit = randomCircuit(5, 40, random);
    SimulationRequest request;
    request.noise = preset("depolarizing:p1=0.02,p2=0.05");
    request.observables = {"IIIIZ"};
    const double exact = runBy(makeDensitySimulator(), circuit, request, run).expectations[0].value;
    const auto program = makeNoisyProgram(circuit, request);
    for (const PropagationLimits limits : {PropagationLimits{1e-2, 1000000}, PropagationLimits{0, 20}, PropagationLimits{1e-3, 100}}) {
        const auto found = propagatedValue(*program, {0, 1}, limits, run.context);
        REQUIRE(found.has_value());
        CHECK(found->bound > 0);
        CHECK(std::abs(found->value - exact) <= found->bound + 1e-12);
        CHECK(found->mostStrings <= limits.strings);
    }
}

TEST_CASE("Pauli propagation follows sixty qubits, which no state holds") {
    std::string text = "qreg q[60]; h q[0];";
    for (int k = 1; k < 60; ++k) text += "cx q[" + std::to_string(k - 1) + "],q[" + std::to_string(k) + "];";
    TestRun run;
    SimulationRequest request;
    request.noise = preset("depolarizing:p1=0,p2=0.01");
    request.observables = {"Z0 Z59", "Z59"};
    const auto result = runBy(makePauliTransferSimulator(), *circuitOf(text), request, run);
    // A depolarizing error of p shrinks each string on its pair by 1 - 16/15 p. On the way back each gate of the chain turns Z_k
    // into Z_(k-1) Z_k, so that all 59 see a part of the string.
    CHECK(result.expectations[0].value == Approx(std::pow(1 - 16.0 / 15 * 0.01, 59)));
    CHECK(result.expectations[1].value == Approx(0).margin(1e-15));
    request.shots = 1;
    request.method = "pauli_transfer";
    CHECK_FALSE(makePauliTransferSimulator()->accepts(*circuitOf(text), request).has_value());
    request.shots = 0;
    CHECK_FALSE(makePauliTransferSimulator()->accepts(*circuitOf("qreg q[60]; creg c[1]; if (c==1) x q[0];"), request).has_value());
}
