// SPDX-License-Identifier: GPL-3.0-or-later
// States of several blocks: gates that reach across their borders, states that no gate has filled yet, and how gates
// join.
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/fusion.h"
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <algorithm>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;

/// Layers of one-qubit gates of every form and of joined neighbours, some of them far apart.
Circuit layered(int qubits, int layers, std::mt19937& random) {
    Circuit circuit;
    circuit.qubits = qubits;
    circuit.qregs = {{"q", 0, qubits}};
    std::uniform_real_distribution<double> angle(-3, 3);
    constexpr const char* kTurns[] = {"rx", "ry", "rz"};
    constexpr const char* kJoins[] = {"cz", "cx", "swap"};
    for (int layer = 0; layer < layers; ++layer) {
        for (int k = 0; k < qubits; ++k) {
            if (random() % 4 == 0)
                append(circuit, "u3", {angle(random), angle(random), angle(random)}, {k});
            else
                append(circuit, kTurns[random() % 3], {angle(random)}, {k});
        }
        for (int k = layer % 2; k + 1 < qubits; k += 2) append(circuit, kJoins[random() % 3], {}, {k, k + 1});
        const auto far = differentQubits(3, qubits, random);
        append(circuit, "cp", {angle(random)}, {far[0], far[1]});
        append(circuit, "ccx", {}, far);
        append(circuit, "rxx", {angle(random)}, {far[2], far[0]});
    }
    return circuit;
}

std::vector<FusedGate> plainGates(const Circuit& circuit) {
    std::vector<FusedGate> gates;
    for (const Operation& operation : circuit.operations) gates.push_back(plainGate(std::get<GateOp>(operation.what)));
    return gates;
}

std::vector<FusedGate> joinedGates(const Circuit& circuit, const FusionCosts& costs) {
    Fuser fuser(circuit.qubits, costs);
    for (const Operation& operation : circuit.operations) fuser.add(std::get<GateOp>(operation.what));
    return fuser.take();
}

/// Of a device on which every gate is a pass over memory: joining pays sooner.
constexpr FusionCosts kPasses = {{1, 1, 1.1, 1.2, 1.4, 1.8}, 1, 0.8, 0.7, 0.5, 5, 8, false};

Circuit empty(int qubits) {
    Circuit circuit;
    circuit.qubits = qubits;
    circuit.qregs = {{"q", 0, qubits}};
    return circuit;
}

double tolerance(Precision precision) { return precision == Precision::Double ? 1e-13 : 1e-5; }

} // namespace

TEST_CASE("all gates at once, joined or not, give what one gate at a time gives, in states of one block and of many") {
    std::mt19937 random(201);
    TestRun run;
    for (const int qubits : {14, 15, 16, 17, 18}) {
        const Circuit circuit = layered(qubits, 4, random);
        const auto gates = plainGates(circuit);
        for (const Precision precision : {Precision::Double, Precision::Single}) {
            const auto apply = [&](const std::vector<FusedGate>& some, std::size_t atOnce) {
                auto state = run.backend->makeState(qubits, precision);
                for (std::size_t i = 0; i < some.size(); i += atOnce)
                    REQUIRE(run.backend->applyGates(
                        **state, std::span(some).subspan(i, std::min(atOnce, some.size() - i)), run.context));
                std::vector<Complex> amplitudes(std::size_t{1} << qubits);
                REQUIRE(run.backend->amplitudes(**state, 0, amplitudes));
                return amplitudes;
            };
            INFO(qubits << " qubits");
            const auto wanted = apply(gates, 1);
            CHECK(oracle::distance(apply(gates, gates.size()), wanted) < tolerance(precision));
            CHECK(oracle::distance(apply(gates, 7), wanted) < tolerance(precision));
            for (const FusionCosts& costs : {fusionCosts(*run.backend), kPasses}) {
                const auto joined = joinedGates(circuit, costs);
                CHECK(joined.size() < gates.size());
                CHECK(oracle::distance(apply(joined, joined.size()), wanted) < tolerance(precision));
            }
        }
    }
}

TEST_CASE("layers across the borders of blocks agree with the definition") {
    std::mt19937 random(202);
    TestRun run;
    const Circuit circuit = layered(17, 2, random);
    const auto wanted = oracle::finalState(circuit);
    for (const Precision precision : {Precision::Double, Precision::Single}) {
        SimulationRequest request;
        request.precision = precision;
        CHECK(oracle::distance(amplitudesOf(simulated(circuit, request, run).state, run), wanted) <
              tolerance(precision));
    }
}

TEST_CASE("a chain of cx from one qubit leaves two amplitudes, in whatever order the qubits join") {
    TestRun run;
    constexpr int kQubits = 19;
    for (const bool downwards : {false, true}) {
        Circuit circuit = empty(kQubits);
        const auto at = [&](int k) { return downwards ? kQubits - 1 - k : k; };
        append(circuit, "h", {}, {at(0)});
        for (int k = 1; k < kQubits; ++k) append(circuit, "cx", {}, {at(k - 1), at(k)});
        SimulationRequest request;
        request.precision = Precision::Single;
        const auto amplitudes = amplitudesOf(simulated(circuit, request, run).state, run);
        for (std::size_t k = 0; k < amplitudes.size(); ++k) {
            const double expected = k == 0 || k + 1 == amplitudes.size() ? std::sqrt(0.5) : 0;
            if (std::abs(amplitudes[k] - expected) > 1e-6) FAIL("amplitude " << k);
        }
    }
}

TEST_CASE("the Fourier transform of a basis state is a wave") {
    TestRun run;
    constexpr int kQubits = 17;
    constexpr std::uint64_t kStart = 0x1a5c3;
    Circuit circuit = empty(kQubits);
    for (int k = 0; k < kQubits; ++k)
        if (kStart >> k & 1) append(circuit, "x", {}, {k});
    for (int k = kQubits - 1; k >= 0; --k) {
        append(circuit, "h", {}, {k});
        for (int j = k - 1; j >= 0; --j) append(circuit, "cp", {std::numbers::pi / std::pow(2, k - j)}, {j, k});
    }
    for (int k = 0; k < kQubits / 2; ++k) append(circuit, "swap", {}, {k, kQubits - 1 - k});
    for (const Precision precision : {Precision::Double, Precision::Single}) {
        SimulationRequest request;
        request.precision = precision;
        const auto amplitudes = amplitudesOf(simulated(circuit, request, run).state, run);
        double distance = 0;
        for (std::uint64_t k = 0; k < amplitudes.size(); ++k) {
            const double turns =
                static_cast<double>(kStart * k % amplitudes.size()) / static_cast<double>(amplitudes.size());
            const Complex wave = std::polar(std::exp2(-0.5 * kQubits), 2 * std::numbers::pi * turns);
            distance = std::max(distance, std::abs(amplitudes[k] - wave));
        }
        CHECK(distance < (precision == Precision::Double ? 1e-16 * kQubits * kQubits : 1e-7));
    }
}

TEST_CASE("a diagonal gate under many controls, in and outside of a block, changes what its definition says") {
    TestRun run;
    constexpr int kQubits = 18;
    std::vector<FusedGate> gates;
    for (int k = 0; k < kQubits; ++k) gates.push_back({FusedGate::Form::Dense, {k}, 0, {0.6, 0.8, 0.8, -0.6}});
    const std::uint64_t all = (std::uint64_t{1} << kQubits) - 1;
    for (const std::uint64_t controls :
         {all & ~std::uint64_t{2}, all & ~std::uint64_t{1 << 16 | 1}, std::uint64_t{1 << 17 | 1 << 9}})
        for (const int target : {1, 16}) {
            if (controls >> target & 1) continue;
            auto with = gates;
            with.push_back({FusedGate::Form::Diagonal, {target}, controls, {Complex(0, 1), Complex(-1)}});
            std::vector<std::vector<Complex>> found;
            for (const auto& list : {gates, with}) {
                auto state = run.backend->makeState(kQubits, Precision::Double);
                REQUIRE(run.backend->applyGates(**state, list, run.context));
                found.emplace_back(std::size_t{1} << kQubits);
                REQUIRE(run.backend->amplitudes(**state, 0, found.back()));
            }
            for (std::uint64_t k = 0; k < found[0].size(); ++k)
                if ((k & controls) == controls) found[0][k] *= k >> target & 1 ? Complex(-1) : Complex(0, 1);
            CHECK(oracle::distance(found[0], found[1]) < 1e-15);
        }
}

TEST_CASE("many gates on few qubits become one where that takes less time") {
    std::mt19937 random(203);
    TestRun run;
    for (const int qubits : {2, 3}) {
        Circuit circuit = empty(qubits + 2);
        for (int k = 0; k < 40; ++k) {
            const auto pair = differentQubits(2, qubits, random);
            append(circuit, "u3", {0.1 * k, 0.2, 0.3}, {pair[0]});
            append(circuit, "u3", {0.3, 0.1 * k, 0.2}, {pair[1]});
            append(circuit, "cx", {}, pair);
            append(circuit, "rx", {0.1 * k}, {qubits + k % 2}); // on qubits of their own
        }
        const auto gates = joinedGates(circuit, fusionCosts(*run.backend));
        CHECK(gates.size() <= 3);
        CHECK(std::ranges::any_of(
            gates, [&](const FusedGate& gate) { return static_cast<int>(gate.targets.size()) == qubits; }));
        CHECK(oracle::distance(amplitudesOf(simulated(circuit, {}, run).state, run), oracle::finalState(circuit)) <
              1e-13);
    }
    // Turns of single qubits cost less alone.
    Circuit circuit = empty(5);
    for (int k = 0; k < 5; ++k) append(circuit, "ry", {0.3}, {k});
    for (int k = 0; k < 4; ++k) append(circuit, "cz", {}, {k, k + 1});
    for (const FusedGate& gate : joinedGates(circuit, fusionCosts(*run.backend)))
        CHECK((gate.form == FusedGate::Form::Diagonal || gate.targets.size() == 1));
}
