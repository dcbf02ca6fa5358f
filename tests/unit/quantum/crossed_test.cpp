// SPDX-License-Identifier: GPL-3.0-or-later
// Two states carried through the same gates, and the sums between them that gradients are made of.
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/backend/cpu_state_cross.h"
#include "engine/core/parallel.h"
#include "tests/conformance/naive_state.h"
#include "tests/unit/quantum/random_circuits.h"

#include <Eigen/QR>

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;

Amplitudes randomAmplitudes(int qubits, std::mt19937& random) {
    std::normal_distribution<double> normal(0, std::exp2(-0.5 * (qubits + 1)));
    Amplitudes result(std::size_t{1} << qubits);
    for (Complex& each : result) each = {normal(random), normal(random)};
    return result;
}

/// Unitary, of every form that is carried out in a way of its own.
FusedGate randomGate(int qubits, std::mt19937& random) {
    std::uniform_real_distribution<double> angle(-3, 3);
    FusedGate gate;
    gate.form = random() % 3 == 0 ? FusedGate::Form::Diagonal : FusedGate::Form::Dense;
    const int most = std::min(qubits, 5);
    const int targets = random() % 2 == 0 ? 1 : static_cast<int>(random() % static_cast<unsigned>(most + 1));
    const int controls = static_cast<int>(random() % static_cast<unsigned>(std::min(3, qubits - targets + 1)));
    const auto chosen = differentQubits(targets + controls, qubits, random);
    gate.targets.assign(chosen.begin(), chosen.begin() + targets);
    for (int k = targets; k < targets + controls; ++k)
        gate.controlMask |= std::uint64_t{1} << chosen[static_cast<std::size_t>(k)];
    const auto size = Eigen::Index{1} << targets;
    if (gate.form == FusedGate::Form::Diagonal) {
        for (Eigen::Index k = 0; k < size; ++k) gate.entries.push_back(std::polar(1.0, angle(random)));
        return gate;
    }
    const double half = angle(random), c = std::cos(half), s = std::sin(half);
    if (targets == 1 && random() % 2 == 0) {
        gate.entries = random() % 2 == 0 ? Amplitudes{c, -s, s, c} : Amplitudes{c, {0, -s}, {0, -s}, c};
        return gate;
    }
    Eigen::MatrixXcd any(size, size);
    for (auto& entry : any.reshaped()) entry = {angle(random), angle(random)};
    const Eigen::MatrixXcd unitary = Eigen::HouseholderQR<Eigen::MatrixXcd>(any).householderQ();
    gate.entries.assign(unitary.reshaped().begin(), unitary.reshaped().end());
    return gate;
}

/// The definition of `Cross`.
cpu::Cross naiveCross(const FusedGate& gate, const Amplitudes& left, const Amplitudes& right) {
    const std::size_t size = std::size_t{1} << gate.targets.size();
    cpu::Cross square(size * size);
    std::size_t targets = 0;
    for (const int target : gate.targets) targets |= std::size_t{1} << target;
    const auto local = [&](std::size_t x) {
        std::size_t result = 0;
        for (std::size_t k = 0; k < gate.targets.size(); ++k) result |= (x >> gate.targets[k] & 1u) << k;
        return result;
    };
    for (std::size_t x = 0; x < left.size(); ++x) {
        if ((x & gate.controlMask) != gate.controlMask) continue;
        for (std::size_t c = 0; c < size; ++c) {
            std::size_t y = x & ~targets;
            for (std::size_t k = 0; k < gate.targets.size(); ++k) y |= (c >> k & 1u) << gate.targets[k];
            square[local(x) * size + c] += std::conj(left[x]) * right[y];
        }
    }
    if (gate.form == FusedGate::Form::Dense) return square;
    cpu::Cross diagonal;
    for (std::size_t k = 0; k < size; ++k) diagonal.push_back(square[k * (size + 1)]);
    return diagonal;
}

std::unique_ptr<StateBuffer> pairOf(const Amplitudes& left, const Amplitudes& right) {
    auto pair = cpu::makeState(std::countr_zero(left.size()) + 1, Precision::Double);
    REQUIRE(pair.has_value());
    auto* both = reinterpret_cast<Complex*>((*cpu::own(**pair))->reals<double>());
    std::ranges::copy(left, std::ranges::copy(right, both).out);
    return std::move(*pair);
}

} // namespace

TEST_CASE("sums between two states agree with their definition, whatever the gates before, in one block and in many") {
    std::mt19937 random(301);
    TestRun run;
    for (const int qubits : {1, 2, 3, 4, 5, 6, 8, 11, 15, 16}) {
        INFO(qubits << " qubits");
        Amplitudes left = randomAmplitudes(qubits, random), right = randomAmplitudes(qubits, random);
        const auto pair = pairOf(left, right);
        std::vector<FusedGate> gates;
        std::vector<bool> wanted;
        for (int k = 0; k < 30; ++k) {
            gates.push_back(randomGate(qubits, random));
            wanted.push_back(random() % 4 != 0);
        }
        if (qubits > 1) {
            gates.push_back(
                {FusedGate::Form::Dense, {qubits - 1, 0}, 0, {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}});
            wanted.push_back(true); // a swap, which is not taken apart then
        }
        const auto found = cpu::applyCrossed(*pair, gates, wanted, run.context);
        REQUIRE(found.has_value());
        REQUIRE(found->size() == gates.size());
        for (std::size_t k = 0; k < gates.size(); ++k) {
            INFO("gate " << k);
            const auto cross = wanted[k] ? naiveCross(gates[k], left, right) : cpu::Cross{};
            REQUIRE((*found)[k].size() == cross.size());
            // Rounding errors of products that add up to one at most, and of thirty gates.
            if (wanted[k]) CHECK(oracle::distance((*found)[k], cross) < 1e-13);
            left = naiveApply(left, gates[k]);
            right = naiveApply(right, gates[k]);
        }
        Amplitudes both(2 * left.size());
        REQUIRE(cpu::amplitudes(*pair, 0, both).has_value());
        std::ranges::copy(left, std::back_inserter(right));
        CHECK(oracle::distance(both, right) < 1e-13);
    }
}

TEST_CASE("sums between two states are the same bits on any number of threads") {
    std::mt19937 random(302);
    TestRun run;
    const Amplitudes left = randomAmplitudes(17, random), right = randomAmplitudes(17, random);
    std::vector<FusedGate> gates;
    for (int k = 0; k < 40; ++k) gates.push_back(randomGate(17, random));
    std::vector<std::vector<cpu::Cross>> found;
    for (const int threads : {1, 3}) {
        const ThreadLimit limit(threads);
        const auto pair = pairOf(left, right);
        auto crosses = cpu::applyCrossed(*pair, gates, std::vector<bool>(gates.size(), true), run.context);
        REQUIRE(crosses.has_value());
        found.push_back(std::move(*crosses));
    }
    CHECK(found[0] == found[1]);
}

TEST_CASE("sums between two states are refused where there are none") {
    TestRun run;
    const FusedGate flip{FusedGate::Form::Dense, {2}, 0, {0, 1, 1, 0}};
    const FusedGate wide{FusedGate::Form::Diagonal, {0, 1, 2, 3, 4, 5}, 0, std::vector<Complex>(64, 1.0)};
    const auto pair = cpu::makeState(3, Precision::Double);
    CHECK_FALSE(cpu::applyCrossed(**pair, {&flip, 1}, {true}, run.context).has_value()); // it would mix the two states
    CHECK_FALSE(cpu::applyCrossed(**pair, {&flip, 1}, {}, run.context).has_value());
    const auto larger = cpu::makeState(7, Precision::Double);
    CHECK(cpu::applyCrossed(**larger, {&wide, 1}, {false}, run.context).has_value());
    CHECK_FALSE(cpu::applyCrossed(**larger, {&wide, 1}, {true}, run.context).has_value());
    const auto single = cpu::makeState(7, Precision::Single);
    CHECK_FALSE(cpu::applyCrossed(**single, {&flip, 1}, {true}, run.context).has_value());
}
