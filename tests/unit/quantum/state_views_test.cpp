// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/state_views.h"

#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

StateSnapshot stateOf(const std::string& body, TestRun& run) { return simulated(*circuitOf(body), {}, run).state; }

} // namespace

TEST_CASE("Bloch vectors point where the qubits do") {
    TestRun run;
    const auto state = stateOf("qreg q[6]; h q[1]; sdg q[2]; h q[2]; s q[2]; x q[3]; h q[4]; cx q[4],q[5]; rx(0.4) q[2];", run);
    const auto vectors = blochVectors(state, run.context);
    REQUIRE(vectors.has_value());
    REQUIRE(vectors->size() == 6);
    CHECK((*vectors)[0][2] == Approx(1));
    CHECK((*vectors)[1][0] == Approx(1));
    CHECK((*vectors)[3][2] == Approx(-1));
    for (const std::size_t mixed : {4u, 5u})
        for (const double component : (*vectors)[mixed]) CHECK(component == Approx(0).margin(1e-14));
    const double y = (*vectors)[2][1];
    const double z = (*vectors)[2][2];
    CHECK(std::hypot((*vectors)[2][0], y, z) == Approx(1));
}

TEST_CASE("the sign of each Bloch axis is the textbook's") {
    TestRun run;
    const auto vectors = blochVectors(stateOf("qreg q[2]; h q[0]; s q[0]; rx(-pi/2) q[1];", run), run.context);
    CHECK((*vectors)[0][1] == Approx(1)); // S|+> is the +1 state of Y
    CHECK((*vectors)[1][1] == Approx(1)); // Rx(-pi/2)|0> as well
}

TEST_CASE("reduced states are the sums of their definition") {
    std::mt19937 random(77);
    TestRun run;
    const Circuit circuit = randomCircuit(7, 60, random);
    const auto state = simulated(circuit, {}, run).state;
    const auto amplitudes = oracle::finalState(circuit);
    for (const std::vector<int>& qubits : {std::vector<int>{3}, {5, 0}, {6, 2, 4}, {0, 1, 2, 3, 4, 5}}) {
        const auto density = reducedDensity(state, qubits, run.context);
        REQUIRE(density.has_value());
        const std::size_t size = std::size_t{1} << qubits.size();
        std::vector<std::complex<double>> wanted(size * size);
        std::size_t mask = 0;
        for (const int qubit : qubits) mask |= std::size_t{1} << qubit;
        for (std::size_t i = 0; i < amplitudes.size(); ++i)
            for (std::size_t j = 0; j < amplitudes.size(); ++j) {
                if ((i & ~mask) != (j & ~mask)) continue;
                std::size_t row = 0, column = 0;
                for (std::size_t k = 0; k < qubits.size(); ++k) {
                    row |= (i >> qubits[k] & 1) << k;
                    column |= (j >> qubits[k] & 1) << k;
                }
                wanted[row * size + column] += amplitudes[i] * std::conj(amplitudes[j]);
            }
        CHECK(oracle::distance(*density, wanted) < 1e-13);
    }
    CHECK_FALSE(reducedDensity(state, std::vector<int>{0, 0}, run.context).has_value());
    CHECK_FALSE(reducedDensity(state, std::vector<int>{7}, run.context).has_value());
    CHECK_FALSE(reducedDensity(state, std::vector<int>{0, 1, 2, 3, 4, 5, 6}, run.context).has_value());
}

TEST_CASE("entropies of states whose entanglement is known") {
    TestRun run;
    const auto product = entanglementEntropies(stateOf("qreg q[5]; h q; t q;", run), run.context);
    REQUIRE(product.has_value());
    for (const double entropy : *product) CHECK(entropy == Approx(0).margin(1e-10));
    const auto ghz = entanglementEntropies(stateOf("qreg q[6]; h q[0]; cx q[0],q[1]; cx q[1],q[2]; cx q[2],q[3]; cx q[3],q[4]; cx q[4],q[5];", run),
                                           run.context);
    REQUIRE(ghz->size() == 5);
    for (const double entropy : *ghz) CHECK(entropy == Approx(1).margin(1e-10));
    // Pairs (0,3), (1,4), (2,5): a cut crosses 1, 2, 3, 2, 1 of them.
    const auto pairs = entanglementEntropies(stateOf("qreg q[6]; h q[0]; h q[1]; h q[2]; cx q[0],q[3]; cx q[1],q[4]; cx q[2],q[5];", run), run.context);
    const double wanted[] = {1, 2, 3, 2, 1};
    for (std::size_t k = 0; k < 5; ++k) CHECK((*pairs)[k] == Approx(wanted[k]).margin(1e-10));
    // A partly entangled pair: the binary entropy of sin^2.
    const auto partly = entanglementEntropies(stateOf("qreg q[2]; ry(0.8) q[0]; cx q[0],q[1];", run), run.context);
    const double p = std::pow(std::sin(0.4), 2);
    CHECK((*partly)[0] == Approx(-p * std::log2(p) - (1 - p) * std::log2(1 - p)).margin(1e-12));
}

TEST_CASE("entropies of states of full rank agree from both sides of a cut") {
    // Fourteen qubits: the middle cuts have rank 128, beyond the short way for states of low rank.
    std::mt19937 random(13);
    TestRun run;
    Circuit circuit = randomCircuit(14, 500, random);
    const auto forward = entanglementEntropies(simulated(circuit, {}, run).state, run.context);
    for (Operation& operation : circuit.operations)
        for (int& qubit : std::get<GateOp>(operation.what).qubits) qubit = 13 - qubit;
    const auto backward = entanglementEntropies(simulated(circuit, {}, run).state, run.context);
    REQUIRE(forward.has_value());
    REQUIRE(backward.has_value());
    for (std::size_t k = 0; k < 13; ++k) {
        CHECK((*forward)[k] == Approx((*backward)[12 - k]).margin(1e-9));
        CHECK((*forward)[k] <= static_cast<double>(std::min(k + 1, 13 - k)) + 1e-9);
    }
    // A random state is close to the largest entropy; Page's mean for 7 + 7 qubits is 7 - 1 / (2 ln 2).
    CHECK((*forward)[6] == Approx(7 - 0.5 / std::log(2.0)).margin(0.1));
}

TEST_CASE("the most probable basis states come first and equal ones by index") {
    TestRun run;
    const auto state = stateOf("qreg q[3]; h q[0]; h q[2]; ry(0.5) q[1];", run);
    const auto largest = largestAmplitudes(state, 5, run.context);
    REQUIRE(largest->size() == 5);
    const std::uint64_t wanted[] = {0, 1, 4, 5};
    double sum = 0;
    for (std::size_t k = 0; k < 4; ++k) sum += std::norm((*largest)[k].value);
    CHECK(sum == Approx(std::pow(std::cos(0.25), 2)));
    for (const std::uint64_t index : wanted)
        CHECK(std::any_of(largest->begin(), largest->begin() + 4, [&](const Amplitude& a) { return a.index == index; }));
    CHECK(largestAmplitudes(state, 0, run.context)->empty());
    CHECK(largestAmplitudes(stateOf("qreg q[3]; x q[1];", run), 5, run.context)->size() == 1);
    CHECK_FALSE(largestAmplitudes(state, -1, run.context).has_value());
}

TEST_CASE("state views stop when asked") {
    TestRun run;
    const auto state = stateOf("qreg q[12]; h q;", run);
    run.stop.request_stop();
    CHECK(blochVectors(state, run.context).error().code == ErrorCode::Cancelled);
    CHECK(reducedDensity(state, std::vector<int>{0}, run.context).error().code == ErrorCode::Cancelled);
    CHECK(entanglementEntropies(state, run.context).error().code == ErrorCode::Cancelled);
    CHECK(largestAmplitudes(state, 3, run.context).error().code == ErrorCode::Cancelled);
}
