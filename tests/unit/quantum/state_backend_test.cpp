// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;

/// A random unitary on the gate's targets by the definition of its columns: orthonormalised random vectors.
std::vector<Complex> randomUnitary(std::size_t size, std::mt19937& random) {
    std::normal_distribution<double> normal;
    std::vector<std::vector<Complex>> columns(size, std::vector<Complex>(size));
    for (std::size_t c = 0; c < size; ++c) {
        for (Complex& entry : columns[c]) entry = {normal(random), normal(random)};
        for (std::size_t b = 0; b < c; ++b) {
            Complex overlap = 0;
            for (std::size_t r = 0; r < size; ++r) overlap += std::conj(columns[b][r]) * columns[c][r];
            for (std::size_t r = 0; r < size; ++r) columns[c][r] -= overlap * columns[b][r];
        }
        double norm = 0;
        for (const Complex entry : columns[c]) norm += std::norm(entry);
        for (Complex& entry : columns[c]) entry /= std::sqrt(norm);
    }
    std::vector<Complex> matrix(size * size);
    for (std::size_t r = 0; r < size; ++r)
        for (std::size_t c = 0; c < size; ++c) matrix[r * size + c] = columns[c][r];
    return matrix;
}

/// What a fused gate does, from its documentation.
oracle::Vector byDefinition(const FusedGate& gate, const oracle::Vector& state) {
    oracle::Vector matrix = gate.entries;
    if (gate.form == FusedGate::Form::Diagonal) {
        matrix.assign(gate.entries.size() * gate.entries.size(), 0);
        for (std::size_t k = 0; k < gate.entries.size(); ++k) matrix[k * gate.entries.size() + k] = gate.entries[k];
    }
    oracle::Vector result = oracle::applied(matrix, gate.targets, state);
    for (std::size_t k = 0; k < state.size(); ++k)
        if ((k & gate.controlMask) != gate.controlMask) result[k] = state[k];
    return result;
}

FusedGate randomGate(int bits, std::mt19937& random) {
    std::vector<int> order(static_cast<std::size_t>(bits));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    FusedGate gate;
    const bool diagonal = random() % 3 == 0;
    const auto targets = std::min<std::size_t>(diagonal ? random() % 8 : random() % 6, static_cast<std::size_t>(bits));
    gate.targets.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(targets));
    for (std::size_t k = targets; k < order.size(); ++k)
        if (random() % 4 == 0) gate.controlMask |= std::uint64_t{1} << order[k];
    gate.form = diagonal ? FusedGate::Form::Diagonal : FusedGate::Form::Dense;
    if (diagonal)
        for (std::size_t k = 0; k < std::size_t{1} << targets; ++k)
            gate.entries.push_back(random() % 4 == 0 ? Complex(1) : std::polar(1.0, static_cast<double>(random() % 1000)));
    else gate.entries = randomUnitary(std::size_t{1} << targets, random);
    return gate;
}

} // namespace

TEST_CASE("any fused gate on any qubits does what its definition says") {
    std::mt19937 random(101);
    TestRun run;
    for (int round = 0; round < 150; ++round) {
        const int bits = 1 + round % 10;
        for (const Precision precision : {Precision::Double, Precision::Single}) {
            auto state = run.backend->makeState(bits, precision);
            REQUIRE(state.has_value());
            oracle::Vector wanted(std::size_t{1} << bits);
            wanted[0] = 1;
            std::vector<FusedGate> gates;
            for (int k = 0; k < 6; ++k) {
                gates.push_back(randomGate(bits, random));
                wanted = byDefinition(gates.back(), wanted);
            }
            REQUIRE(run.backend->applyGates(**state, gates, run.context).has_value());
            std::vector<Complex> amplitudes(wanted.size());
            REQUIRE(run.backend->amplitudes(**state, 0, amplitudes).has_value());
            INFO("round " << round << ", " << bits << " qubits");
            CHECK(oracle::distance(amplitudes, wanted) < (precision == Precision::Double ? 1e-13 : 1e-5));
        }
    }
}

TEST_CASE("gates on high qubits of states larger than a region do what they say") {
    std::mt19937 random(102);
    TestRun run;
    constexpr int kBits = 18;
    for (const Precision precision : {Precision::Double, Precision::Single}) {
        auto state = run.backend->makeState(kBits, precision);
        oracle::Vector wanted(std::size_t{1} << kBits);
        wanted[0] = 1;
        std::vector<FusedGate> gates;
        const auto add = [&](FusedGate gate) {
            wanted = byDefinition(gate, wanted);
            gates.push_back(std::move(gate));
        };
        for (int qubit = 0; qubit < kBits; ++qubit) add({FusedGate::Form::Dense, {qubit}, 0, randomUnitary(2, random)});
        for (int k = 0; k < 6; ++k) add(randomGate(kBits, random));
        add({FusedGate::Form::Dense, {3}, std::uint64_t{1} << 17, randomUnitary(2, random)});
        add({FusedGate::Form::Dense, {2, 0}, std::uint64_t{1} << 16 | 2, randomUnitary(4, random)});
        REQUIRE(run.backend->applyGates(**state, gates, run.context).has_value());
        std::vector<Complex> amplitudes(wanted.size());
        REQUIRE(run.backend->amplitudes(**state, 0, amplitudes).has_value());
        CHECK(oracle::distance(amplitudes, wanted) < (precision == Precision::Double ? 1e-13 : 1e-6));

        for (const std::vector<int>& qubits : {std::vector<int>{}, {17}, {0}, {4, 17, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17}}) {
            std::vector<double> sums(std::size_t{1} << qubits.size());
            for (std::size_t index = 0; index < wanted.size(); ++index) {
                std::size_t outcome = 0;
                for (std::size_t k = 0; k < qubits.size(); ++k) outcome |= (index >> qubits[k] & 1) << k;
                sums[outcome] += std::norm(amplitudes[index]);
            }
            const auto found = run.backend->marginals(**state, qubits, run.context);
            REQUIRE(found.has_value());
            REQUIRE(found->size() == sums.size());
            for (std::size_t k = 0; k < sums.size(); ++k) CHECK((*found)[k] == Approx(sums[k]).margin(1e-13));
        }
    }
}

TEST_CASE("malformed gates and requests are refused") {
    TestRun run;
    auto state = run.backend->makeState(3, Precision::Double);
    const std::vector<Complex> unit = {1, 0, 0, 1};
    const auto apply = [&](FusedGate gate) { return run.backend->applyGates(**state, {&gate, 1}, run.context).has_value(); };
    CHECK(apply({FusedGate::Form::Dense, {2}, 3, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {3}, 0, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {-1}, 0, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {1}, 2, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {1}, 8, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {1, 1}, 0, std::vector<Complex>(16)}));
    CHECK_FALSE(apply({FusedGate::Form::Dense, {0, 1}, 0, unit}));
    CHECK_FALSE(apply({FusedGate::Form::Diagonal, {0}, 0, unit}));
    CHECK_FALSE(run.backend->marginals(**state, std::vector<int>{0, 0}, run.context).has_value());
    CHECK_FALSE(run.backend->marginals(**state, std::vector<int>{3}, run.context).has_value());
    CHECK_FALSE(run.backend->expectation(**state, {8, 0}, run.context).has_value());
    CHECK_FALSE(run.backend->collapse(**state, 0, true, 0, run.context).has_value());
    CHECK_FALSE(run.backend->sample(**state, std::vector<double>{0.5, 0.1}, run.context).has_value());
    std::vector<Complex> out(4);
    CHECK_FALSE(run.backend->amplitudes(**state, 5, out).has_value());
    CHECK_FALSE(run.backend->makeState(-1, Precision::Single).has_value());
    const auto huge = run.backend->makeState(45, Precision::Double);
    REQUIRE_FALSE(huge.has_value());
    CHECK(huge.error().code == ErrorCode::OutOfMemory);
    CHECK(huge.error().message.find("qubits would fit") != std::string::npos);
}

TEST_CASE("collapse projects and rescales") {
    TestRun run;
    std::mt19937 random(103);
    for (const int qubit : {0, 1, 5, 16}) {
        auto state = run.backend->makeState(17, Precision::Double);
        std::vector<FusedGate> gates;
        for (int k = 0; k < 17; ++k) gates.push_back({FusedGate::Form::Dense, {k}, 0, randomUnitary(2, random)});
        REQUIRE(run.backend->applyGates(**state, gates, run.context).has_value());
        std::vector<Complex> before(1 << 17), after(1 << 17);
        REQUIRE(run.backend->amplitudes(**state, 0, before).has_value());
        const double p = (*run.backend->marginals(**state, {&qubit, 1}, run.context))[1];
        REQUIRE(run.backend->collapse(**state, qubit, true, p, run.context).has_value());
        REQUIRE(run.backend->amplitudes(**state, 0, after).has_value());
        for (std::size_t k = 0; k < before.size(); ++k) before[k] = k >> qubit & 1 ? before[k] / std::sqrt(p) : 0;
        CHECK(oracle::distance(before, after) < 1e-14);
    }
}

TEST_CASE("sampling finds the interval of the running sum") {
    TestRun run;
    auto state = run.backend->makeState(17, Precision::Double);
    std::mt19937 random(104);
    std::vector<FusedGate> gates;
    for (int k = 0; k < 17; ++k) gates.push_back({FusedGate::Form::Dense, {k}, 0, randomUnitary(2, random)});
    gates.push_back({FusedGate::Form::Diagonal, {16}, 0, {1, 1}});
    REQUIRE(run.backend->applyGates(**state, gates, run.context).has_value());
    std::vector<Complex> amplitudes(1 << 17);
    REQUIRE(run.backend->amplitudes(**state, 0, amplitudes).has_value());
    std::vector<double> running(amplitudes.size() + 1);
    for (std::size_t k = 0; k < amplitudes.size(); ++k) running[k + 1] = running[k] + std::norm(amplitudes[k]);
    std::vector<double> numbers = {0, 1 - 0x1p-53};
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int k = 0; k < 2000; ++k) numbers.push_back(uniform(random));
    std::sort(numbers.begin(), numbers.end());
    const auto found = run.backend->sample(**state, numbers, run.context);
    REQUIRE(found.has_value());
    for (std::size_t k = 0; k < numbers.size(); ++k) {
        const std::size_t index = (*found)[k];
        REQUIRE(index < amplitudes.size());
        CHECK(running[index] <= numbers[k] + 1e-12);
        CHECK(running[index + 1] > numbers[k] - 1e-12);
    }
    CHECK(run.backend->sample(**state, {}, run.context)->empty());
}
