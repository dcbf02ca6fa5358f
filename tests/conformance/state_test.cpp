// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/state_copy.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/naive_state.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;

/// Gates and states at random, the same ones for every backend.
class Random {
public:
    explicit Random(unsigned seed)
        : m_engine(seed) {}

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(m_engine); }
    double uniform() { return std::uniform_real_distribution<double>(0, 1)(m_engine); }
    Complex complex() {
        std::normal_distribution<double> normal;
        const double real = normal(m_engine);
        return {real, normal(m_engine)};
    }
    std::vector<int> qubits(int bits, int count) {
        std::vector<int> all(static_cast<std::size_t>(bits));
        std::iota(all.begin(), all.end(), 0);
        std::shuffle(all.begin(), all.end(), m_engine);
        all.resize(static_cast<std::size_t>(count));
        return all;
    }

    /// Columns of random numbers made orthonormal one after another.
    FusedGate dense(const std::vector<int>& targets) {
        const std::size_t size = std::size_t{1} << targets.size();
        std::vector<std::vector<Complex>> columns;
        for (std::size_t c = 0; c < size; ++c) {
            std::vector<Complex> column(size);
            for (auto& entry : column) entry = complex();
            for (const auto& other : columns) {
                Complex overlap = 0;
                for (std::size_t r = 0; r < size; ++r) overlap += std::conj(other[r]) * column[r];
                for (std::size_t r = 0; r < size; ++r) column[r] -= overlap * other[r];
            }
            double norm = 0;
            for (const auto& entry : column) norm += std::norm(entry);
            for (auto& entry : column) entry /= std::sqrt(norm);
            columns.push_back(column);
        }
        FusedGate gate{FusedGate::Form::Dense, targets, 0, std::vector<Complex>(size * size)};
        for (std::size_t r = 0; r < size; ++r)
            for (std::size_t c = 0; c < size; ++c) gate.entries[r * size + c] = columns[c][r];
        return gate;
    }
    FusedGate diagonal(const std::vector<int>& targets) {
        FusedGate gate{FusedGate::Form::Diagonal, targets, 0, {}};
        for (std::size_t k = 0; k < std::size_t{1} << targets.size(); ++k)
            gate.entries.push_back(std::polar(1.0, 6.28 * uniform()));
        return gate;
    }
    /// With controls on some of the other qubits.
    FusedGate controlled(FusedGate gate, int bits, int controls) {
        const auto order = qubits(bits, bits);
        for (const int q : order)
            if (controls > 0 && std::ranges::find(gate.targets, q) == gate.targets.end()) {
                gate.controlMask |= std::uint64_t{1} << q;
                --controls;
            }
        return gate;
    }
    /// Brings every amplitude away from zero.
    std::vector<FusedGate> scramble(int bits) {
        std::vector<FusedGate> gates;
        for (int q = 0; q < bits; ++q) gates.push_back(dense({q}));
        for (int q = 0; q + 1 < bits; ++q) gates.push_back(dense({q, q + 1}));
        return gates;
    }

private:
    std::mt19937 m_engine;
};

/// Errors add up gate by gate: each output of a gate on t targets is a sum of 2^t products, relative error about
/// 2^t ulp; within these bounds for the circuits here.
double tolerance(Precision precision) { return precision == Precision::Single ? 1e-5 : 1e-12; }

std::vector<Precision> precisions(const ComputeBackend& backend) {
    if (!backend.supports(Capability::StateDouble)) return {Precision::Single};
    return {Precision::Single, Precision::Double};
}

Amplitudes readAll(ComputeBackend& backend, const StateBuffer& state) {
    Amplitudes all(std::size_t{1} << state.bits());
    const auto read = backend.amplitudes(state, 0, all);
    REQUIRE(read);
    return all;
}

void requireClose(const Amplitudes& found, const Amplitudes& expected, double bound) {
    double worst = 0;
    double norm = 0;
    for (std::size_t x = 0; x < found.size(); ++x) {
        worst = std::max(worst, std::abs(found[x] - expected[x]));
        norm += std::norm(found[x] - expected[x]);
    }
    REQUIRE(worst <= bound);
    REQUIRE(std::sqrt(norm) <= bound);
}

Amplitudes zeroState(int bits) {
    Amplitudes state(std::size_t{1} << bits);
    state[0] = 1;
    return state;
}

struct Prepared {
    std::unique_ptr<StateBuffer> state;
    Amplitudes expected;
};

Prepared prepare(ComputeBackend& backend, const RunContext& context, int bits, Precision precision,
                 const std::vector<FusedGate>& gates) {
    auto state = backend.makeState(bits, precision);
    INFO((state ? "" : describe(state.error())));
    REQUIRE(state);
    const auto applied = backend.applyGates(**state, gates, context);
    INFO((applied ? "" : describe(applied.error())));
    REQUIRE(applied);
    Prepared prepared{std::move(*state), zeroState(bits)};
    for (const auto& gate : gates) prepared.expected = naiveApply(prepared.expected, gate);
    return prepared;
}

} // namespace

TEST_CASE("A new state is |0...0> for any number of qubits") {
    onEveryBackend([](ComputeBackend& backend, const RunContext&) {
        for (const auto precision : precisions(backend))
            for (const int bits : {0, 1, 5, 11}) {
                const auto state = backend.makeState(bits, precision);
                REQUIRE(state);
                CHECK((*state)->bits() == bits);
                CHECK((*state)->precision() == precision);
                CHECK(readAll(backend, **state) == zeroState(bits));
            }
    });
}

TEST_CASE("A copy of a state has its amplitudes and a life of its own") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        REQUIRE(copiesStates(backend));
        Random random(21);
        for (const auto precision : precisions(backend))
            for (const int bits : {0, 3, 10}) {
                const auto [state, expected] = prepare(backend, context, bits, precision, random.scramble(bits));
                const auto copy = copyState(backend, *state);
                REQUIRE(copy);
                CHECK((*copy)->precision() == precision);
                CHECK(readAll(backend, **copy) == readAll(backend, *state));
                if (bits == 0) continue;
                const std::vector<FusedGate> flip{{FusedGate::Form::Dense, {bits - 1}, 0, {0, 1, 1, 0}}};
                REQUIRE(backend.applyGates(**copy, flip, context));
                requireClose(readAll(backend, *state), expected, tolerance(precision));
                requireClose(readAll(backend, **copy), naiveApply(expected, flip[0]), tolerance(precision));
            }
    });
}

TEST_CASE("Dense gates of every size on every kind of target equal their definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 10;
        Random random(1);
        const auto scramble = random.scramble(bits);
        std::vector<FusedGate> gates = scramble;
        for (int targets = 1; targets <= 5; ++targets)
            for (int controls = 0; controls <= std::min(3, bits - targets); ++controls)
                for (int repeat = 0; repeat < 2; ++repeat)
                    gates.push_back(random.controlled(random.dense(random.qubits(bits, targets)), bits, controls));
        gates.push_back(random.dense({9, 8, 7, 6, 5})); // all of them shard bits where shards are small
        gates.push_back(random.dense({9, 0, 8, 1, 7}));
        for (const auto precision : precisions(backend)) {
            const auto [state, expected] = prepare(backend, context, bits, precision, gates);
            requireClose(readAll(backend, *state), expected, tolerance(precision));
        }
    });
}

TEST_CASE("Each single gate on each qubit equals its definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 9;
        for (const auto precision : precisions(backend))
            for (int q = 0; q < bits; ++q) {
                Random random(static_cast<unsigned>(q) + 10);
                auto gates = random.scramble(bits);
                gates.push_back(random.dense({q}));
                gates.push_back(random.controlled(random.dense({q}), bits, 8)); // all other qubits control
                const auto [state, expected] = prepare(backend, context, bits, precision, gates);
                INFO("qubit " << q);
                requireClose(readAll(backend, *state), expected, tolerance(precision));
            }
    });
}

TEST_CASE("Diagonal gates of up to twelve targets equal their definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 12;
        Random random(2);
        auto gates = random.scramble(bits);
        for (int targets = 0; targets <= 12; ++targets)
            for (int controls = 0; controls <= std::min(2, bits - targets); ++controls)
                gates.push_back(random.controlled(random.diagonal(random.qubits(bits, targets)), bits, controls));
        for (const auto precision : precisions(backend)) {
            const auto [state, expected] = prepare(backend, context, bits, precision, gates);
            requireClose(readAll(backend, *state), expected, tolerance(precision));
        }
    });
}

TEST_CASE("Gates and their inverses cancel") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 11;
        Random random(3);
        std::vector<FusedGate> gates;
        for (int k = 0; k < 20; ++k)
            gates.push_back(random.controlled(random.dense(random.qubits(bits, 1 + k % 5)), bits, k % 3));
        for (std::size_t k = gates.size(); k-- > 0;) {
            FusedGate inverse = gates[k];
            const std::size_t size = std::size_t{1} << inverse.targets.size();
            for (std::size_t r = 0; r < size; ++r)
                for (std::size_t c = 0; c < size; ++c)
                    inverse.entries[r * size + c] = std::conj(gates[k].entries[c * size + r]);
            gates.push_back(inverse);
        }
        for (const auto precision : precisions(backend)) {
            const auto state = backend.makeState(bits, precision);
            REQUIRE(state);
            REQUIRE(backend.applyGates(**state, gates, context));
            requireClose(readAll(backend, **state), zeroState(bits), tolerance(precision));
        }
    });
}

TEST_CASE("Marginals of any qubits in any order equal their definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 11;
        Random random(4);
        const auto gates = random.scramble(bits);
        for (const auto precision : precisions(backend)) {
            const auto [state, expected] = prepare(backend, context, bits, precision, gates);
            for (const int count : {0, 1, 2, 5, 11})
                for (int repeat = 0; repeat < 4; ++repeat) {
                    const auto qubits = random.qubits(bits, count);
                    const auto found = backend.marginals(*state, qubits, context);
                    REQUIRE(found);
                    const auto wanted = naiveMarginals(expected, qubits);
                    REQUIRE(found->size() == wanted.size());
                    for (std::size_t i = 0; i < wanted.size(); ++i)
                        REQUIRE(std::fabs((*found)[i] - wanted[i]) <= tolerance(precision));
                }
        }
    });
}

TEST_CASE("Marginals of a uniform superposition sum in double precision") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 13;
        std::vector<FusedGate> gates;
        const double h = std::sqrt(0.5);
        for (int q = 0; q < bits; ++q) gates.push_back({FusedGate::Form::Dense, {q}, 0, {h, h, h, -h}});
        auto state = backend.makeState(bits, Precision::Single);
        REQUIRE(state);
        REQUIRE(backend.applyGates(**state, gates, context));
        const auto whole = backend.marginals(**state, {}, context);
        REQUIRE(whole);
        // Equal amplitudes: one relative error for all, 2 x 2^-24 per gate at most; the sum itself adds none to speak
        // of.
        Complex first;
        REQUIRE(backend.amplitudes(**state, 0, std::span(&first, 1)));
        CHECK(std::fabs((*whole)[0] - std::norm(first) * std::ldexp(1.0, bits)) <= 1e-12);
        CHECK(std::fabs((*whole)[0] - 1) <= bits * 0x1p-22);
    });
}

TEST_CASE("Expectation values of Pauli strings equal their definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 10;
        Random random(5);
        const auto gates = random.scramble(bits);
        for (const auto precision : precisions(backend)) {
            const auto [state, expected] = prepare(backend, context, bits, precision, gates);
            for (int repeat = 0; repeat < 40; ++repeat) {
                const PauliString pauli{static_cast<std::uint64_t>(random.below(1 << bits)),
                                        static_cast<std::uint64_t>(random.below(1 << bits))};
                const auto found = backend.expectation(*state, pauli, context);
                REQUIRE(found);
                REQUIRE(std::fabs(*found - naiveExpectation(expected, pauli)) <= tolerance(precision));
            }
            const auto one = backend.expectation(*state, {}, context);
            REQUIRE(one);
            CHECK(std::fabs(*one - 1) <= tolerance(precision));
        }
    });
}

TEST_CASE("Collapse keeps the outcome's half, at norm one") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 9;
        Random random(6);
        const auto gates = random.scramble(bits);
        for (const auto precision : precisions(backend))
            for (const int qubit : {0, 4, 8})
                for (const bool outcome : {false, true}) {
                    auto [state, expected] = prepare(backend, context, bits, precision, gates);
                    const double probability = naiveMarginals(expected, {qubit})[outcome ? 1 : 0];
                    REQUIRE(backend.collapse(*state, qubit, outcome, probability, context));
                    for (std::size_t x = 0; x < expected.size(); ++x)
                        expected[x] =
                            (x >> qubit & 1u) == (outcome ? 1u : 0u) ? expected[x] / std::sqrt(probability) : 0;
                    requireClose(readAll(backend, *state), expected, tolerance(precision));
                }
    });
}

TEST_CASE("Sampling finds the interval of the running sum that holds each number") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const int bits = 12;
        Random random(7);
        const auto gates = random.scramble(bits);
        for (const auto precision : precisions(backend)) {
            const auto [state, unused] = prepare(backend, context, bits, precision, gates);
            const auto exact = readAll(backend, *state);
            std::vector<double> numbers{0};
            for (int k = 0; k < 500; ++k) numbers.push_back(random.uniform());
            numbers.push_back(std::nextafter(1.0, 0.0));
            std::ranges::sort(numbers);
            const auto found = backend.sample(*state, numbers, context);
            REQUIRE(found);
            REQUIRE(found->size() == numbers.size());
            std::vector<double> upTo(exact.size());
            double running = 0;
            for (std::size_t x = 0; x < exact.size(); ++x) upTo[x] = running += std::norm(exact[x]);
            for (std::size_t k = 0; k < numbers.size(); ++k) {
                const auto index = static_cast<std::size_t>((*found)[k]);
                REQUIRE(index < exact.size());
                // The order of summation moves the borders by some 2^-53 times the number of terms.
                if (index > 0) REQUIRE(numbers[k] >= upTo[index - 1] - 1e-11);
                if (index + 1 < exact.size()) REQUIRE(numbers[k] < upTo[index] + 1e-11);
            }
        }
    });
}

TEST_CASE("Sampling never gives a basis state of probability zero") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        for (const int bits : {1, 9, 12}) {
            // Norm a little below 1, as rounding may leave it; only |0...0> and |0...01> can come up.
            const double a = std::sqrt(0.5) * (1 - 1e-6);
            const std::vector<FusedGate> gates{{FusedGate::Form::Dense, {0}, 0, {a, a, a, -a}}};
            auto state = backend.makeState(bits, Precision::Single);
            REQUIRE(state);
            REQUIRE(backend.applyGates(**state, gates, context));
            const auto found = backend.sample(**state, std::vector<double>{0, 0.25, 0.75, 0.99999999}, context);
            REQUIRE(found);
            CHECK(*found == std::vector<std::uint64_t>{0, 0, 1, 1});
        }
    });
}

TEST_CASE("Part of a state can be read from anywhere") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        Random random(8);
        const auto [state, expected] = prepare(backend, context, 10, Precision::Single, random.scramble(10));
        const auto all = readAll(backend, *state);
        for (const auto& [first, count] :
             std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {60, 10}, {120, 900}, {1024, 0}}) {
            Amplitudes part(count);
            REQUIRE(backend.amplitudes(*state, first, part));
            CHECK(std::equal(part.begin(), part.end(), all.begin() + static_cast<std::ptrdiff_t>(first)));
        }
        Amplitudes tooMany(2);
        const auto beyond = backend.amplitudes(*state, 1023, tooMany);
        REQUIRE(!beyond);
        CHECK(beyond.error().code == ErrorCode::OutOfRange);
    });
}

TEST_CASE("State operations refuse what they cannot do and leave the state alone") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        auto state = backend.makeState(4, Precision::Single);
        REQUIRE(state);
        const auto refuses = [&](const FusedGate& gate) {
            const auto result = backend.applyGates(**state, std::span(&gate, 1), context);
            return !result && result.error().code == ErrorCode::OutOfRange;
        };
        const std::vector<Complex> two(2, 1), four(4, 1), sixteen(16, 1);
        using Form = FusedGate::Form;
        CHECK(refuses({Form::Dense, {4}, 0, four}));
        CHECK(refuses({Form::Dense, {-1}, 0, four}));
        CHECK(refuses({Form::Dense, {1, 1}, 0, sixteen}));
        CHECK(refuses({Form::Dense, {1}, 2, four}));
        CHECK(refuses({Form::Dense, {1}, 16, four}));
        CHECK(refuses({Form::Dense, {1}, 0, two}));
        CHECK(refuses({Form::Diagonal, {1}, 0, four}));
        CHECK(refuses({Form::Dense, {0, 1, 2, 3, 4, 5}, 0, std::vector<Complex>(4096)}));
        CHECK(!backend.marginals(**state, std::vector<int>{4}, context));
        CHECK(!backend.marginals(**state, std::vector<int>{1, 1}, context));
        CHECK(!backend.expectation(**state, {16, 0}, context));
        CHECK(!backend.collapse(**state, 4, false, 1, context));
        CHECK(!backend.collapse(**state, 0, true, 0, context));
        CHECK(!backend.sample(**state, std::vector<double>{0.5, 0.25}, context));
        CHECK(readAll(backend, **state) == zeroState(4));
        CHECK(!backend.makeState(-1, Precision::Single));
    });
}

TEST_CASE("A state that does not fit is refused, saying what would") {
    onEveryBackend([](ComputeBackend& backend, const RunContext&) {
        for (const int bits : {45, 100}) {
            const auto state = backend.makeState(bits, Precision::Single);
            REQUIRE(!state);
            CHECK(state.error().code == ErrorCode::OutOfMemory);
            CHECK(state.error().message.find("would fit") != std::string::npos);
        }
    });
}

TEST_CASE("A backend refuses a state that another one made") {
    const auto cpu = makeCpuBackend();
    const auto foreign = cpu->makeState(3, Precision::Single);
    REQUIRE(foreign);
    onEveryDevice([&](ComputeBackend& backend, const RunContext& context) {
        const auto result = backend.marginals(**foreign, {}, context);
        REQUIRE(!result);
        CHECK(result.error().code == ErrorCode::Device);
    });
}

TEST_CASE("State operations stop when asked to") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        std::stop_source stop;
        stop.request_stop();
        const RunContext stopped{stop.get_token(), context.progress, context.notes, context.backend};
        auto state = backend.makeState(8, Precision::Single);
        REQUIRE(state);
        const std::vector<FusedGate> gates{{FusedGate::Form::Dense, {0}, 0, {0, 1, 1, 0}}};
        const auto applied = backend.applyGates(**state, gates, stopped);
        REQUIRE(!applied);
        CHECK(applied.error().code == ErrorCode::Cancelled);
        const auto sums = backend.marginals(**state, std::vector<int>{0}, stopped);
        REQUIRE(!sums);
        CHECK(sums.error().code == ErrorCode::Cancelled);
    });
}
