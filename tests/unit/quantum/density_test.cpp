// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "tests/unit/quantum/noise_support.h"

#include <Eigen/Eigenvalues>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

NoisyProgram programOf(const Circuit& circuit, const SimulationRequest& request) {
    auto program = makeNoisyProgram(circuit, request);
    REQUIRE(program.has_value());
    return std::move(*program);
}

SimulationRequest noisy(std::shared_ptr<const NoiseModel> noise, Precision precision = Precision::Double) {
    SimulationRequest request;
    request.noise = std::move(noise);
    request.precision = precision;
    return request;
}

oracle::Vector densityOf(const SimulationResult& result, TestRun& run) {
    REQUIRE(result.density);
    auto matrix = result.density->matrix(run.context);
    REQUIRE(matrix.has_value());
    return std::move(*matrix);
}

/// Without the gates of three and more qubits, whose noise-free maps take long to make.
Circuit smallGates(int qubits, int gates, std::mt19937& random) {
    Circuit circuit = randomCircuit(qubits, 3 * gates, random);
    std::erase_if(circuit.operations, [](const Operation& operation) { return std::get<GateOp>(operation.what).qubits.size() > 2; });
    circuit.operations.resize(std::min(circuit.operations.size(), static_cast<std::size_t>(gates)));
    return circuit;
}

} // namespace

TEST_CASE("an ideal density matrix is the pure state of the circuit, over the whole gate table") {
    std::mt19937 random(2);
    TestRun run;
    for (int round = 0; round < 18; ++round) {
        const int qubits = 1 + round % 6;
        const Circuit circuit = randomCircuit(qubits, 40, random);
        const auto state = oracle::finalState(circuit);
        oracle::Vector wanted(state.size() * state.size());
        for (std::size_t row = 0; row < state.size(); ++row)
            for (std::size_t column = 0; column < state.size(); ++column) wanted[row * state.size() + column] = state[row] * std::conj(state[column]);
        for (const Precision precision : {Precision::Double, Precision::Single}) {
            INFO("round " << round << " with " << qubits << " qubits");
            const auto result = runBy(makeDensitySimulator(), circuit, noisy(nullptr, precision), run);
            CHECK(oracle::distance(densityOf(result, run), wanted) < (precision == Precision::Double ? 1e-13 : 1e-5));
            CHECK(result.gates == 40);
            CHECK(result.norm == Approx(1).margin(precision == Precision::Double ? 1e-13 : 1e-5));
            CHECK(result.density->purity(run.context).value() == Approx(1).margin(precision == Precision::Double ? 1e-12 : 1e-4));
        }
    }
}

TEST_CASE("noisy random circuits agree with the sums over their Kraus matrices and stay states") {
    std::mt19937 random(3);
    TestRun run;
    const auto noise = everyChannel();
    for (int round = 0; round < 18; ++round) {
        const int qubits = 1 + round % 6;
        const Circuit circuit = round % 3 == 0 ? randomCircuit(qubits, 25, random) : smallGates(qubits, 25, random);
        for (const Precision precision : {Precision::Double, Precision::Single}) {
            const auto request = noisy(noise, precision);
            const auto program = programOf(circuit, request);
            REQUIRE(program.steps.size() > circuit.operations.size());
            const auto wanted = denseRun(program);
            const auto result = runBy(makeDensitySimulator(), circuit, request, run);
            const auto rho = densityOf(result, run);
            INFO("round " << round << " with " << qubits << " qubits");
            const double tolerance = precision == Precision::Double ? 1e-13 : 1e-5;
            CHECK(oracle::distance(rho, wanted) < tolerance);
            CHECK(std::abs(result.norm - 1) < tolerance);
            CHECK(oracle::distance(rho, oracle::adjoint(rho)) < 1e-15);
            const auto size = Eigen::Index{1} << qubits;
            const Eigen::Map<const Eigen::MatrixXcd> matrix(rho.data(), size, size);
            CHECK(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(matrix).eigenvalues().minCoeff() > -tolerance);
            for (const auto& entry : result.probabilities)
                CHECK(entry.probability == Approx(wanted[entry.index * static_cast<std::size_t>(size + 1)].real()).margin(tolerance));
        }
    }
}

TEST_CASE("states beyond one cache region, with gates on both sides of it, agree with the definition") {
    std::mt19937 random(4);
    TestRun run;
    const Circuit circuit = smallGates(9, 40, random);
    const auto request = noisy(preset("depolarizing:p1=0.01,p2=0.02"));
    const auto wanted = denseRun(programOf(circuit, request));
    const auto result = runBy(makeDensitySimulator(), circuit, request, run);
    CHECK(oracle::distance(densityOf(result, run), wanted) < 1e-13);
    const auto single = runBy(makeDensitySimulator(), circuit, noisy(request.noise, Precision::Single), run);
    CHECK(oracle::distance(densityOf(single, run), wanted) < 1e-5);
    const int some[] = {7, 0, 4};
    const auto reduced = result.density->reduced(some, run.context);
    REQUIRE(reduced.has_value());
    oracle::Vector traced(64);
    for (std::size_t row = 0; row < 512; ++row)
        for (std::size_t column = 0; column < 512; ++column) {
            const auto bits = [&](std::size_t index) { return (index >> 7 & 1) | (index & 1) << 1 | (index >> 4 & 1) << 2; };
            if (((row ^ column) & ~std::size_t{0b10010001}) == 0) traced[bits(row) * 8 + bits(column)] += wanted[row * 512 + column];
        }
    CHECK(oracle::distance(*reduced, traced) < 1e-13);
}

TEST_CASE("the fuser joins a gate with its noise and keeps the order of what does not commute") {
    const auto circuit = circuitOf("qreg q[2]; h q[0]; cx q[0],q[1]; t q[1]; h q[1]; cx q[1],q[0];");
    TestRun run;
    const auto result = runBy(makeDensitySimulator(), *circuit, noisy(preset("depolarizing")), run);
    CHECK(result.gates == 5);
    CHECK(result.fusedGates <= 5);
    CHECK(oracle::distance(densityOf(result, run), denseRun(programOf(*circuit, noisy(preset("depolarizing"))))) < 1e-14);
}

TEST_CASE("expectation values of a noisy state follow their definition") {
    std::mt19937 random(5);
    TestRun run;
    const Circuit circuit = randomCircuit(4, 30, random);
    auto request = noisy(everyChannel());
    for (int k = 0; k < 20; ++k) {
        std::string text;
        for (int qubit = 0; qubit < 4; ++qubit) text += "IXYZ"[random() % 4];
        request.observables.push_back(text);
    }
    const auto rho = denseRun(programOf(circuit, request));
    for (const auto& found : runBy(makeDensitySimulator(), circuit, request, run).expectations) {
        CHECK(found.value == Approx(denseExpectation(found.observable, rho)).margin(1e-13));
        CHECK(found.error == 0);
    }
}

TEST_CASE("sampled counts of a noisy state with readout errors follow the exact distribution") {
    auto model = *preset("depolarizing:p1=0.05,p2=0.1");
    model.readout.all = {0.02, 0.1};
    model.readout.of[1] = {0.2, 0};
    const auto circuit = circuitOf("qreg q[3]; creg c[3]; h q[0]; cx q[0],q[1]; ry(0.7) q[2]; cx q[1],q[2]; measure q -> c;");
    TestRun run;
    auto request = noisy(std::make_shared<const NoiseModel>(model));
    request.shots = 200000;
    request.seed = 11;
    const auto rho = denseRun(programOf(*circuit, request));
    std::map<std::string, double> wanted;
    for (std::size_t recorded = 0; recorded < 8; ++recorded)
        for (std::size_t outcome = 0; outcome < 8; ++outcome) {
            double p = rho[outcome * 9].real();
            for (int qubit = 0; qubit < 3; ++qubit) {
                const auto& error = model.readout.at(qubit);
                const bool is = outcome >> qubit & 1, says = recorded >> qubit & 1;
                const double wrong = is ? error.zeroGivenOne : error.oneGivenZero;
                p *= is == says ? 1 - wrong : wrong;
            }
            std::string bits;
            for (int qubit = 2; qubit >= 0; --qubit) bits += recorded >> qubit & 1 ? '1' : '0';
            wanted[bits] += p;
        }
    const auto result = runBy(makeDensitySimulator(), *circuit, request, run);
    checkCounts(countsOf(result), wanted);
    checkCounts(countsOf(runBy(makeTrajectorySimulator(), *circuit, [&] { auto fewer = request; fewer.shots = 20000; return fewer; }(), run)), wanted);
    // Two terminal measurements of one qubit err each on its own.
    const auto twice = circuitOf("qreg q[1]; creg a[1]; creg b[1]; measure q[0] -> a[0]; measure q[0] -> b[0];");
    const auto both = runBy(makeDensitySimulator(), *twice, request, run);
    checkCounts(countsOf(both), {{"0 0", 0.98 * 0.98}, {"0 1", 0.98 * 0.02}, {"1 0", 0.98 * 0.02}, {"1 1", 0.02 * 0.02}});
}

TEST_CASE("measurements on the way, conditions and resets are followed exactly") {
    TestRun run;
    const auto teleport = circuitOf("qreg q[3]; creg a[1]; creg b[1]; creg r[1]; u3(0.3,0.2,0.1) q[0]; h q[1]; cx q[1],q[2]; cx q[0],q[1]; h q[0];"
                                    "measure q[0] -> a[0]; measure q[1] -> b[0]; if (b==1) x q[2]; if (a==1) z q[2]; u3(-0.3,-0.1,-0.2) q[2]; measure q[2] -> r[0];");
    SimulationRequest request;
    request.observables = {"ZII"};
    const auto result = runBy(makeDensitySimulator(), *teleport, request, run);
    CHECK(result.expectations[0].value == Approx(1).margin(1e-14));
    CHECK(result.density->trace() == Approx(1).margin(1e-14));
    request.shots = 4000;
    checkCounts(countsOf(runBy(makeDensitySimulator(), *teleport, request, run)), {{"0 0 0", .25}, {"0 0 1", .25}, {"0 1 0", .25}, {"0 1 1", .25}});

    // The second half of a Bell pair is completely mixed once the first is reset.
    const auto half = runBy(makeDensitySimulator(), *circuitOf("qreg q[2]; h q[0]; cx q[0],q[1]; reset q[0];"), {}, run);
    CHECK(half.density->purity(run.context).value() == Approx(0.5));
    CHECK(half.density->expectation({0, 1}) == Approx(1));
    CHECK(half.density->expectation({0, 2}) == Approx(0).margin(1e-15));

    // A misread bit misleads the condition: x is applied with probability 0.3 to a qubit that is never 1 itself.
    auto model = NoiseModel{};
    model.readout.of[0] = {0.3, 0};
    const auto misled = circuitOf("qreg q[2]; creg c[1]; creg d[1]; measure q[0] -> c[0]; if (c==1) x q[1]; measure q[1] -> d[0];");
    auto asked = noisy(std::make_shared<const NoiseModel>(model));
    asked.observables = {"ZI"};
    CHECK(runBy(makeDensitySimulator(), *misled, asked, run).expectations[0].value == Approx(1 - 2 * 0.3).margin(1e-14));
    asked.shots = 20000;
    for (const auto& simulator : {makeDensitySimulator(), makeTrajectorySimulator()})
        checkCounts(countsOf(runBy(simulator, *misled, asked, run)), {{"0 0", 0.7}, {"1 1", 0.3}, {"0 1", 0}, {"1 0", 0}});
}

TEST_CASE("too many different records are refused, with what can run them") {
    std::string text = "qreg q[1]; creg c[13];";
    for (int k = 0; k < 13; ++k) text += "h q[0]; measure q[0] -> c[" + std::to_string(k) + "]; ";
    text += "h q[0];";
    TestRun run;
    SimulationRequest request;
    request.method = "density";
    request.shots = 1;
    const auto result = makeDensitySimulator()->run(*circuitOf(text), request, run.context);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message == "measurements on the way lead to more than 4096 different records; trajectories can run this circuit");
    request.shots = 0; // nobody reads the records
    CHECK(makeDensitySimulator()->run(*circuitOf(text), request, run.context).has_value());
}

TEST_CASE("the same numbers come out for any number of threads") {
    std::mt19937 random(6);
    const Circuit circuit = smallGates(9, 40, random);
    TestRun run;
    auto request = noisy(preset("depolarizing"));
    request.shots = 500;
    std::vector<oracle::Vector> states;
    std::vector<std::map<std::string, std::int64_t>> counts;
    for (const int threads : {1, 3}) {
        const ThreadLimit limit(threads);
        const auto result = runBy(makeDensitySimulator(), circuit, request, run);
        states.push_back(densityOf(result, run));
        counts.push_back(countsOf(result));
    }
    CHECK(states[0] == states[1]);
    CHECK(counts[0] == counts[1]);
}

TEST_CASE("density matrices that do not fit are refused before anything is allocated") {
    SimulationRequest request;
    request.method = "density";
    const auto reason = [&](const std::string& text) {
        const auto accepted = makeDensitySimulator()->accepts(*circuitOf(text), request);
        return accepted ? std::string{} : accepted.error().message;
    };
    CHECK(reason("qreg q[3]; h q;").empty());
    CHECK(reason("qreg q[30]; h q;") == "a density matrix of 30 qubits has 4^30 numbers, more than any machine holds; trajectories need 2^30");
    const std::string large = reason("qreg q[22]; h q;");
    CHECK(large.find("a density matrix of 22 qubits in double precision needs 128 TiB, ") == 0);
    CHECK(large.find(" qubits would fit") != std::string::npos);
    CHECK(reason("opaque odd a; qreg q[1]; odd q[0];").find("'odd' is opaque") != std::string::npos);
    request.method = "auto";
    CHECK(reason("qreg q[3]; h q;") == "'density' runs on its own only where noise is asked for");
    request.noise = preset("depolarizing");
    CHECK(reason("qreg q[3]; h q;").empty());
    const auto pure = makeStatevectorSimulator()->accepts(*circuitOf("qreg q[3]; h q;"), request);
    REQUIRE_FALSE(pure.has_value());
    CHECK(pure.error().message == "the simulator 'statevector' knows no noise; density, trajectories and pauli_transfer do");
}

TEST_CASE("a stopped density run publishes nothing") {
    TestRun run;
    run.stop.request_stop();
    SimulationRequest request;
    request.method = "density";
    for (const auto& simulator : {makeDensitySimulator(), makeTrajectorySimulator()}) {
        request.method = simulator->id();
        const auto result = simulator->run(*circuitOf("qreg q[4]; h q;"), request, run.context);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().code == ErrorCode::Cancelled);
    }
}
