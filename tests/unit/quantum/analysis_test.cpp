// SPDX-License-Identifier: GPL-3.0-or-later
// What the state views show, against sums written from the definitions over amplitudes of the oracle.
#include "engine/quantum/analysis/distance.h"
#include "engine/quantum/analysis/entanglement.h"
#include "engine/quantum/analysis/noise_report.h"
#include "engine/quantum/analysis/other_states.h"
#include "engine/quantum/analysis/readings.h"
#include "engine/quantum/analysis/search.h"
#include "engine/quantum/analysis/step_states.h"
#include "engine/quantum/sim/noise_model.h"
#include "engine/quantum/sim/state_views.h"

#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <Eigen/Eigenvalues>

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;

/// The reduced state of the qubits in `mask`, by its definition.
Eigen::MatrixXcd reducedByDefinition(const std::vector<Complex>& amplitudes, std::size_t mask) {
    std::vector<int> qubits;
    for (int q = 0; q < 62; ++q)
        if (mask >> q & 1) qubits.push_back(q);
    const auto local = [&](std::size_t index) {
        Eigen::Index bits = 0;
        for (std::size_t k = 0; k < qubits.size(); ++k) bits |= static_cast<Eigen::Index>(index >> qubits[k] & 1) << k;
        return bits;
    };
    const auto size = Eigen::Index{1} << qubits.size();
    Eigen::MatrixXcd rho = Eigen::MatrixXcd::Zero(size, size);
    for (std::size_t i = 0; i < amplitudes.size(); ++i)
        for (std::size_t j = 0; j < amplitudes.size(); ++j)
            if ((i & ~mask) == (j & ~mask)) rho(local(i), local(j)) += amplitudes[i] * std::conj(amplitudes[j]);
    return rho;
}

std::vector<double> spectrumOf(const Eigen::MatrixXcd& rho) {
    const Eigen::VectorXd values = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(rho).eigenvalues();
    return {values.data(), values.data() + values.size()};
}

double entropyOf(const Eigen::MatrixXcd& rho) {
    double sum = 0;
    for (const double p : spectrumOf(rho))
        if (p > 1e-300) sum -= p * std::log2(p);
    return sum;
}

StateSnapshot stateOf(const Circuit& circuit, TestRun& run) { return simulated(circuit, {}, run).state; }

/// The first `steps` operations alone.
Circuit prefixOf(Circuit circuit, std::size_t steps) {
    circuit.operations.resize(std::min(steps, circuit.operations.size()));
    return circuit;
}

} // namespace

TEST_CASE("the Schmidt spectrum of a cut is the spectrum of a side's reduced state") {
    std::mt19937 random(5);
    TestRun run;
    const Circuit circuit = randomCircuit(7, 50, random);
    const auto amplitudes = oracle::finalState(circuit);
    for (int cut = 1; cut < 7; ++cut) {
        const auto spectrum = schmidtProbabilities(amplitudes, 7, cut, run.context);
        REQUIRE(spectrum.has_value());
        auto wanted = spectrumOf(reducedByDefinition(amplitudes, (std::size_t{1} << cut) - 1));
        std::ranges::sort(wanted, std::greater{});
        for (std::size_t i = 0; i < spectrum->size() && i < wanted.size(); ++i)
            CHECK((*spectrum)[i] == Approx(wanted[i]).margin(1e-12));
        CHECK(entropyBits(*spectrum) ==
              Approx(entropyOf(reducedByDefinition(amplitudes, (std::size_t{1} << cut) - 1))).margin(1e-10));
    }
    CHECK(!schmidtProbabilities(amplitudes, 7, 0, run.context));
    CHECK(!schmidtProbabilities(amplitudes, 7, 7, run.context));
}

TEST_CASE("a cut whose smaller side is narrow has a spectrum in states of any size") {
    TestRun run;
    const auto state = stateOf(*circuitOf("qreg q[22]; h q[1]; cx q[1],q[21];"), run);
    const auto amplitudes = allAmplitudes(state, run.context);
    REQUIRE(amplitudes.has_value());
    const auto spectrum = schmidtProbabilities(*amplitudes, 22, 2, run.context);
    REQUIRE(spectrum.has_value());
    REQUIRE(spectrum->size() >= 2);
    CHECK((*spectrum)[0] == Approx(0.5));
    CHECK((*spectrum)[1] == Approx(0.5));
    CHECK(!schmidtProbabilities(*amplitudes, 22, 11, run.context));
}

TEST_CASE("entropies along a circuit are those of its prefixes, though only changed cuts are computed") {
    std::mt19937 random(8);
    TestRun run;
    Circuit circuit = randomCircuit(5, 24, random);
    const auto history = entropyHistory(circuit, {}, 1000, run.context);
    REQUIRE(history.has_value());
    REQUIRE(history->steps.size() == 25);
    for (std::size_t column = 0; column < 25; ++column) {
        const auto amplitudes = oracle::finalState(prefixOf(circuit, history->steps[column]));
        for (std::size_t cut = 1; cut < 5; ++cut)
            CHECK(history->bits[(cut - 1) * 25 + column] ==
                  Approx(entropyOf(reducedByDefinition(amplitudes, (std::size_t{1} << cut) - 1))).margin(1e-9));
    }
    const auto few = entropyHistory(circuit, {}, 5, run.context);
    REQUIRE(few.has_value());
    CHECK(few->steps == std::vector<std::size_t>{0, 6, 12, 18, 24});
    CHECK(few->bits[3 * 5 + 4] == Approx(history->bits[3 * 25 + 24]));
}

TEST_CASE("a measurement on the way ends entanglement in the history") {
    TestRun run;
    const auto history = entropyHistory(
        *circuitOf("qreg q[2]; creg c[1]; h q[0]; cx q[0],q[1]; measure q[0] -> c[0]; x q[0];"), {}, 100, run.context);
    REQUIRE(history.has_value());
    REQUIRE(history->bits.size() == 5);
    for (std::size_t column = 0; column < 5; ++column)
        CHECK(history->bits[column] == Approx(column == 2 ? 1 : 0).margin(1e-12));
}

TEST_CASE("mutual information is S(a) + S(b) - S(ab)") {
    std::mt19937 random(31);
    TestRun run;
    const Circuit circuit = randomCircuit(6, 40, random);
    const auto amplitudes = oracle::finalState(circuit);
    const auto information = mutualInformation(stateOf(circuit, run), run.context);
    REQUIRE(information.has_value());
    for (std::size_t a = 0; a < 6; ++a)
        for (std::size_t b = 0; b < 6; ++b) {
            const std::size_t one = std::size_t{1} << a, other = std::size_t{1} << b;
            const double wanted = a == b ? 2 * entropyOf(reducedByDefinition(amplitudes, one))
                                         : entropyOf(reducedByDefinition(amplitudes, one)) +
                                               entropyOf(reducedByDefinition(amplitudes, other)) -
                                               entropyOf(reducedByDefinition(amplitudes, one | other));
            CHECK((*information)[a * 6 + b] == Approx(wanted).margin(1e-9));
        }
    CHECK(!mutualInformation(stateOf(*circuitOf("qreg q[1];"), run), run.context));
}

TEST_CASE("a Bell pair shares two bits and the ends of a GHZ state one") {
    TestRun run;
    const auto bell = mutualInformation(stateOf(*circuitOf("qreg q[3]; h q[0]; cx q[0],q[2];"), run), run.context);
    CHECK((*bell)[2] == Approx(2));
    CHECK((*bell)[1] == Approx(0).margin(1e-12));
    const auto ghz =
        mutualInformation(stateOf(*circuitOf("qreg q[3]; h q[0]; cx q[0],q[1]; cx q[1],q[2];"), run), run.context);
    CHECK((*ghz)[2] == Approx(1));
}

TEST_CASE("the distance of two states is what the definitions say") {
    std::mt19937 random(12);
    TestRun run;
    const Circuit one = randomCircuit(5, 30, random), two = randomCircuit(5, 30, random);
    const auto a = oracle::finalState(one), b = oracle::finalState(two);
    const auto distance = distanceOf(stateOf(one, run), stateOf(two, run), run.context);
    REQUIRE(distance.has_value());
    Complex overlap;
    double variation = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        overlap += std::conj(a[i]) * b[i];
        variation += std::abs(std::norm(a[i]) - std::norm(b[i])) / 2;
    }
    CHECK(distance->fidelity == Approx(std::norm(overlap)).margin(1e-12));
    CHECK(distance->totalVariation == Approx(variation).margin(1e-12));
    const auto eigenvalues = spectrumOf(reducedByDefinition(a, 31) - reducedByDefinition(b, 31));
    double trace = 0;
    for (const double value : eigenvalues) trace += std::abs(value) / 2;
    CHECK(distance->traceDistance == Approx(trace).margin(1e-10));
    CHECK(!distanceOf(stateOf(one, run), stateOf(*circuitOf("qreg q[4];"), run), run.context));
}

TEST_CASE("states that nearly agree have a trace distance with all its digits") {
    TestRun run;
    const auto a = stateOf(*circuitOf("qreg q[2];"), run), b = stateOf(*circuitOf("qreg q[2]; rx(2e-10) q[1];"), run);
    CHECK(distanceOf(a, b, run.context)->traceDistance == Approx(1e-10).epsilon(1e-6));
    CHECK(distanceOf(a, a, run.context)->traceDistance == 0);
}

TEST_CASE("the trace distance of mixed states is half the length between their Bloch vectors") {
    const BlochVector a{0.3, -0.2, 0.5}, b{-0.1, 0.4, 0.1};
    const auto rho = [](const BlochVector& r) {
        return std::vector<Complex>{
            {(1 + r[2]) / 2, 0}, {r[0] / 2, -r[1] / 2}, {r[0] / 2, r[1] / 2}, {(1 - r[2]) / 2, 0}};
    };
    CHECK(traceDistance(a, b) == Approx(traceDistance(rho(a), rho(b))));
    CHECK(traceDistance(a, b) == Approx(std::sqrt(0.16 + 0.36 + 0.16) / 2));
}

TEST_CASE("Wilson's interval holds the proportions that the score test does not reject") {
    for (const auto& [count, shots] : {std::pair<std::int64_t, std::int64_t>{3, 10}, {500, 1000}, {1, 4096}, {9, 10}}) {
        const auto interval = wilsonInterval(count, shots);
        const double share = static_cast<double>(count) / static_cast<double>(shots);
        for (const double edge : {interval.low, interval.high}) // at both edges the test is just at its limit
            CHECK(std::abs(share - edge) ==
                  Approx(kDeviate95 * std::sqrt(edge * (1 - edge) / static_cast<double>(shots))));
    }
    // Newcombe, Statistics in Medicine 17, 857 (1998), table I: 81 of 263 and 0 of 20, method 3.
    CHECK(wilsonInterval(81, 263).low == Approx(0.2553).margin(5e-5));
    CHECK(wilsonInterval(81, 263).high == Approx(0.3662).margin(5e-5));
    CHECK(wilsonInterval(0, 20).low == 0);
    CHECK(wilsonInterval(0, 20).high == Approx(0.1611).margin(5e-5));
    CHECK(wilsonInterval(20, 20).high == 1);
}

TEST_CASE("the Wigner function of a qubit is normalised and keeps overlaps") {
    const BlochVector r{0.6, 0, 0.8}, s{0, -0.5, 0.5};
    double total = 0, overlap = 0;
    constexpr int kRows = 200, kColumns = 200;
    for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kColumns; ++j) {
            const double cosine = 1 - 2 * (i + 0.5) / kRows, theta = std::acos(cosine); // equal areas
            const double phi = 2 * std::numbers::pi * (j + 0.5) / kColumns;
            const double area = 4 * std::numbers::pi / (kRows * kColumns);
            total += wignerOf(r, theta, phi) * area / (2 * std::numbers::pi);
            overlap += wignerOf(r, theta, phi) * wignerOf(s, theta, phi) * area / (2 * std::numbers::pi);
        }
    CHECK(total == Approx(1));
    CHECK(overlap == Approx((1 + 0.8 * 0.5) / 2).epsilon(1e-3));
    CHECK(wignerOf({0, 0, 1}, 0, 0) == Approx((1 + std::sqrt(3)) / 2));
    CHECK(wignerOf({0, 0, 1}, std::numbers::pi, 0) == Approx((1 - std::sqrt(3)) / 2));
    CHECK(wignerOf({0, 1, 0}, std::numbers::pi / 2, std::numbers::pi / 2) == Approx((1 + std::sqrt(3)) / 2));
}

TEST_CASE("kept states give at every step what a simulation of so many operations gives") {
    std::mt19937 random(77);
    TestRun run;
    Circuit circuit = randomCircuit(6, 40, random);
    circuit.cregs = {{"c", 0, 3}, {"d", 3, 3}};
    circuit.clbits = 6;
    disturb(circuit, 6, true, random);
    SimulationRequest request;
    request.shots = 200;
    request.seed = 4;
    request.observables = {"Z0 X3"};
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{20'000}, std::uint64_t{1} << 30}) {
        const auto states = StepStates::record(circuit, request, bytes, run.context);
        REQUIRE(states.has_value());
        if (bytes == 0) CHECK((*states)->kept() == 0);
        if (bytes == 20'000) CHECK((*states)->kept() * 1024 < bytes); // 64 amplitudes of 16 bytes each
        if (bytes > 20'000) CHECK((*states)->stride() == 1);
        for (const std::size_t steps :
             {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{30}, circuit.operations.size()}) {
            SimulationRequest prefix = request;
            prefix.steps = steps;
            const auto wanted = simulated(circuit, prefix, run);
            const auto got = (*states)->at(steps, run.context);
            REQUIRE(got.has_value());
            CHECK(oracle::distance(amplitudesOf(got->state, run), amplitudesOf(wanted.state, run)) < 1e-13);
            CHECK(got->state.clbits == wanted.state.clbits);
            CHECK(got->gates == wanted.gates);
            CHECK(countsOf(*got) == countsOf(wanted));
            CHECK(got->expectations[0].value == Approx(wanted.expectations[0].value).margin(1e-13));
        }
    }
}

TEST_CASE("keeping states stops when asked and refuses what a state vector refuses") {
    TestRun run;
    CHECK(!StepStates::record(*circuitOf("qreg q[2]; opaque a x; a q[0];"), {}, 1 << 20, run.context));
    run.stop.request_stop();
    const auto stopped = StepStates::record(*circuitOf("qreg q[2]; h q[0];"), {}, 1 << 20, run.context);
    REQUIRE(!stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}

namespace {

NoiseReport reportOf(const Circuit& circuit, const std::string& preset, TestRun& run) {
    SimulationRequest request;
    request.noise = std::make_shared<const NoiseModel>(*makeNoisePreset(preset));
    const auto report = noiseReport(circuit, request, run.context);
    if (!report) UNSCOPED_INFO(describe(report.error()));
    REQUIRE(report.has_value());
    return *report;
}

/// rho after a channel's matrices act on one qubit of n, by the definition.
Eigen::MatrixXcd acted(const Eigen::MatrixXcd& rho, const std::vector<Eigen::Matrix2cd>& kraus, int qubit, int n) {
    Eigen::MatrixXcd sum = Eigen::MatrixXcd::Zero(rho.rows(), rho.cols());
    for (const auto& k : kraus) {
        Eigen::MatrixXcd wide = Eigen::MatrixXcd::Zero(rho.rows(), rho.cols());
        for (Eigen::Index row = 0; row < (1 << n); ++row)
            for (Eigen::Index column = 0; column < (1 << n); ++column)
                if ((row & ~(1 << qubit)) == (column & ~(1 << qubit)))
                    wide(row, column) = k(row >> qubit & 1, column >> qubit & 1);
        sum += wide * rho * wide.adjoint();
    }
    return sum;
}

} // namespace

TEST_CASE("fidelity along a noisy circuit is the ideal state's expectation of the mixed one") {
    // Depolarizing in the Pauli form after each gate, written out once more on 3 qubits.
    std::mt19937 random(3);
    TestRun run;
    Circuit circuit = *circuitOf("qreg q[3]; h q[0]; rx(0.7) q[2]; t q[0]; ry(1.1) q[1]; h q[2]; s q[1];");
    constexpr double p = 0.04;
    const auto report = reportOf(circuit, "depolarizing:p1=0.04,p2=0.04", run);
    REQUIRE(report.fidelity.size() == circuit.operations.size() + 1);
    CHECK(report.fidelity[0] == Approx(1));
    std::vector<Eigen::Matrix2cd> kraus(4);
    kraus[0] << 1, 0, 0, 1;
    kraus[1] << 0, 1, 1, 0;
    kraus[2] << 0, Complex(0, -1), Complex(0, 1), 0;
    kraus[3] << 1, 0, 0, -1;
    kraus[0] *= std::sqrt(1 - p);
    for (std::size_t i = 1; i < 4; ++i) kraus[i] *= std::sqrt(p / 3);
    Eigen::MatrixXcd rho = Eigen::MatrixXcd::Zero(8, 8);
    rho(0, 0) = 1;
    for (std::size_t step = 0; step < circuit.operations.size(); ++step) {
        const auto& gate = std::get<GateOp>(circuit.operations[step].what);
        const auto small = oracle::matrixOf(gate.name, gate.parameters);
        Eigen::Matrix2cd unitary;
        unitary << small[0], small[1], small[2], small[3];
        rho = acted(rho, {unitary}, gate.qubits[0], 3);
        rho = acted(rho, kraus, gate.qubits[0], 3);
        const auto ideal = oracle::finalState(prefixOf(circuit, step + 1));
        const Eigen::VectorXcd psi = Eigen::Map<const Eigen::VectorXcd>(ideal.data(), 8);
        CHECK(report.fidelity[step + 1] == Approx((psi.adjoint() * rho * psi)(0, 0).real()).margin(1e-10));
    }
}

TEST_CASE("a gate's share is the fidelity lost when its channel alone acts") {
    TestRun run;
    const Circuit circuit = *circuitOf("qreg q[3]; h q[0]; cx q[0],q[1]; ry(0.9) q[2]; cx q[1],q[2]; rx(0.3) q[0];");
    for (const char* preset : {"amplitude_damping:gamma=0.1", "depolarizing:p1=0.02,p2=0.05", "phase_flip:p=0.03"}) {
        const auto made = makeNoisePreset(preset);
        REQUIRE(made.has_value());
        const auto report = reportOf(circuit, preset, run);
        REQUIRE(report.shares.size() == 5);
        for (const NoiseShare& share : report.shares) {
            // The same circuit, with rules for this gate's qubits and name alone where that picks out one gate.
            NoiseModel alone = *made;
            int same = 0;
            for (const auto& operation : circuit.operations) {
                const auto& gate = std::get<GateOp>(operation.what);
                same += gate.name == share.name && gate.qubits == share.qubits;
            }
            REQUIRE(same == 1);
            std::erase_if(alone.rules,
                          [&](const NoiseRule& rule) { return !NoiseModel::matches(rule, share.name, share.qubits); });
            for (NoiseRule& rule : alone.rules) {
                rule.gates = {share.name};
                rule.qubits = {share.qubits};
            }
            SimulationRequest request;
            request.noise = std::make_shared<const NoiseModel>(alone);
            const auto only = noiseReport(circuit, request, run.context);
            REQUIRE(only.has_value());
            CHECK(1 - only->fidelity.back() == Approx(share.loss).margin(1e-10));
        }
        double product = 1;
        for (const NoiseShare& share : report.shares) product *= 1 - share.loss;
        CHECK(report.independent.back() == Approx(product));
    }
}

TEST_CASE("depolarizing a whole Bell pair by both of its gates is known in closed form") {
    TestRun run;
    const auto report = reportOf(*circuitOf("qreg q[2]; h q[0]; cx q[0],q[1];"), "depolarizing:p1=0.1,p2=0.2", run);
    REQUIRE(report.shares.size() == 2);
    // After h the state |+>: of the three errors X does nothing. After cx a Bell state: all 15 lead to orthogonal ones.
    CHECK(report.shares[0].loss == Approx(0.1 * 2 / 3));
    CHECK(report.shares[1].loss == Approx(0.2 * 12 / 15));
    CHECK(report.shares[1].operation == 1);
    CHECK(report.shares[1].name == "cx");
}

TEST_CASE("above ten qubits shares remain and the fidelity is left out") {
    TestRun run;
    const auto report = reportOf(*circuitOf("qreg q[12]; h q[0]; cx q[0],q[11];"), "depolarizing:p1=0.1,p2=0.2", run);
    CHECK(report.fidelity.empty());
    CHECK(report.shares.size() == 2);
    CHECK(report.independent.back() == Approx((1 - 0.2 / 3) * (1 - 0.2 * 12 / 15)));
}

TEST_CASE("resets of untouched qubits do not keep a circuit from having a fidelity") {
    TestRun run;
    const auto plain = reportOf(*circuitOf("qreg q[2]; h q[0]; cx q[0],q[1];"), "depolarizing:p1=0.1,p2=0.2", run);
    const auto reset =
        reportOf(*circuitOf("qreg q[2]; reset q; h q[0]; cx q[0],q[1];"), "depolarizing:p1=0.1,p2=0.2", run);
    CHECK(reset.fidelity.back() == Approx(plain.fidelity.back()));
    CHECK(reset.shares.size() == plain.shares.size());
}

TEST_CASE("a fidelity along circuits that decide on the way is refused with the line") {
    TestRun run;
    SimulationRequest request;
    request.noise = std::make_shared<const NoiseModel>(*makeNoisePreset("depolarizing:p1=0.1,p2=0.1"));
    const auto refused =
        noiseReport(*circuitOf("qreg q[1]; creg c[1];\nh q[0];\nmeasure q[0] -> c[0];\nh q[0];"), request, run.context);
    REQUIRE(!refused);
    CHECK(refused.error().code == ErrorCode::Unsupported);
    CHECK(refused.error().message.find("line 5") != std::string::npos);
}

TEST_CASE("the rows of a tableau are the Pauli strings that keep the state, and their partners") {
    std::mt19937 random(19);
    TestRun run;
    const Circuit circuit = randomClifford(5, 60, random);
    for (const std::size_t steps : {std::size_t{0}, std::size_t{13}, circuit.operations.size()}) {
        SimulationRequest request;
        request.steps = steps;
        const auto tableau = stabilizerTableau(circuit, request, run.context);
        REQUIRE(tableau.has_value());
        REQUIRE(tableau->stabilizers.size() == 5);
        const auto state = oracle::finalState(prefixOf(circuit, steps));
        const auto appliedPauli = [&](const std::string& text) { // letters only, qubit 0 rightmost
            auto result = state;
            for (int qubit = 0; qubit < 5; ++qubit) {
                const char letter = text[text.size() - 1 - static_cast<std::size_t>(qubit)];
                if (letter == 'I') continue;
                const std::string name(1, static_cast<char>(std::tolower(letter)));
                const int qubits[] = {qubit};
                result = oracle::applied(oracle::matrixOf(name, {}), qubits, result);
            }
            return result;
        };
        for (const auto& row : tableau->stabilizers) {
            REQUIRE(row.size() == 6);
            auto result = appliedPauli(row.substr(1));
            for (auto& value : result) value *= row[0] == '-' ? -1.0 : 1.0;
            CHECK(oracle::distance(result, state) < 1e-12);
        }
        for (std::size_t i = 0; i < 5; ++i)
            for (std::size_t j = 0; j < 5; ++j) {
                int anticommuting = 0;
                for (std::size_t k = 1; k < 6; ++k) {
                    const char a = tableau->destabilizers[i][k], b = tableau->stabilizers[j][k];
                    anticommuting += a != 'I' && b != 'I' && a != b;
                }
                CHECK(anticommuting % 2 == (i == j ? 1 : 0));
            }
    }
    CHECK(!stabilizerTableau(*circuitOf("qreg q[1]; t q[0];"), {}, run.context));
}

TEST_CASE("bonds along a chain are the Schmidt ranks of the state's cuts") {
    TestRun run;
    // Gates on neighbours in order: sites keep their qubits.
    const Circuit circuit =
        *circuitOf("qreg q[4]; h q[0]; cx q[0],q[1]; cx q[1],q[2]; ry(0.4) q[3]; cx q[2],q[3]; h q[1];");
    const auto history = bondHistory(circuit, {}, 100, run.context);
    REQUIRE(history.has_value());
    REQUIRE(history->steps.size() == 7);
    REQUIRE(history->order == std::vector{0, 1, 2, 3});
    for (std::size_t column = 0; column < 7; ++column) {
        const auto amplitudes = oracle::finalState(prefixOf(circuit, history->steps[column]));
        for (std::size_t cut = 1; cut < 4; ++cut) {
            int rank = 0;
            for (const double p : spectrumOf(reducedByDefinition(amplitudes, (std::size_t{1} << cut) - 1)))
                rank += p > 1e-12;
            CHECK(history->bonds[(cut - 1) * 7 + column] == rank);
        }
        CHECK(history->fidelity[column] == Approx(1));
    }
    SimulationRequest narrow;
    narrow.bond = 1;
    const auto cut = bondHistory(circuit, narrow, 3, run.context);
    REQUIRE(cut.has_value());
    CHECK(std::ranges::all_of(cut->bonds, [](int bond) { return bond == 1; }));
    CHECK(cut->fidelity.back() < 0.9);
    CHECK(!bondHistory(*circuitOf("qreg q[1];"), {}, 3, run.context));
}

TEST_CASE("states are found by their bits, the most probable first") {
    std::mt19937 random(90);
    TestRun run;
    const Circuit circuit = randomCircuit(6, 50, random);
    const auto amplitudes = oracle::finalState(circuit);
    const auto state = stateOf(circuit, run);
    for (const std::string text : {"", "1*0", "0*1**1", "******", "111111"}) {
        const auto pattern = parsePattern(text, 6);
        REQUIRE(pattern.has_value());
        std::vector<std::pair<double, std::uint64_t>> wanted;
        double total = 0;
        for (std::uint64_t i = 0; i < 64; ++i) {
            bool matches = true;
            for (std::size_t k = 0; k < text.size(); ++k) {
                const char letter = text[text.size() - 1 - k];
                matches = matches && (letter == '*' || (letter == '1') == ((i >> k & 1) != 0));
            }
            if (!matches) continue;
            wanted.emplace_back(-std::norm(amplitudes[i]), i);
            total += std::norm(amplitudes[i]);
        }
        std::ranges::sort(wanted);
        const auto found = findStates(state, *pattern, 5, run.context);
        REQUIRE(found.has_value());
        CHECK(found->probability == Approx(total).margin(1e-12));
        REQUIRE(found->largest.size() == std::min<std::size_t>(5, wanted.size()));
        for (std::size_t i = 0; i < found->largest.size(); ++i)
            CHECK(std::norm(found->largest[i].value) == Approx(-wanted[i].first).margin(1e-12));
    }
    CHECK(!parsePattern("1111111", 6));
    CHECK(!parsePattern("12", 6));
    CHECK(findStates(state, {}, 0, run.context)->largest.empty());
}
