// SPDX-License-Identifier: GPL-3.0-or-later
// One ungrouped gate against an in-place pass over the same bytes (design budget: at least 0.8), and whole circuits.
#include "engine/backend/compute_backend.h"
#include "engine/core/parallel.h"
#include "engine/core/simd.h"
#include "engine/quantum/circuit.h"
#include "engine/quantum/sim/noise_model.h"
#include "engine/quantum/sim/simulation.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <numbers>
#include <random>

namespace {

using namespace qscope;
using namespace qscope::engine;

struct Run {
    std::stop_source stop;
    Progress progress;
    Diagnostics notes;
    std::unique_ptr<ComputeBackend> backend = makeCpuBackend();
    RunContext context{stop.get_token(), progress, notes, *backend};
};

template<class Real>
__attribute__((always_inline)) inline void turnPairs(Real* __restrict low, Real* __restrict high, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += 16)
        for (std::int64_t k = i; k < i + 16; ++k) {
            const Real a = low[k], b = high[k];
            low[k] = Real(0.8) * a - Real(0.6) * b;
            high[k] = Real(0.6) * a + Real(0.8) * b;
        }
}
QSCOPE_MULTIVERSION void turn(float* low, float* high, std::int64_t count) { turnPairs(low, high, count); }
QSCOPE_MULTIVERSION void turn(double* low, double* high, std::int64_t count) { turnPairs(low, high, count); }

double secondsOf(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Best time of the least that any one-qubit gate must do: read every number of both halves of 2^bits amplitudes, change it,
/// write it back, on all cores.
template<class Real>
double inPlacePass(int bits) {
    Run run;
    const std::int64_t half = std::int64_t{1} << bits; // reals
    std::vector<Real> numbers(static_cast<std::size_t>(2 * half), Real(1e-3));
    double best = 1e9;
    for (int repeat = 0; repeat < 10; ++repeat)
        best = std::min(best, secondsOf([&] {
            (void)parallelChunks(half, 1 << 16, run.context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                turn(numbers.data() + begin, numbers.data() + half + begin, end - begin);
                return {};
            });
        }));
    return best;
}

constexpr int kSingleBits = 24; // 128 MiB each
constexpr int kDoubleBits = 23;

/// `of_pass`: the best in-place pass's time over this gate's best; the budget is 0.8.
void oneGate(benchmark::State& state, Precision precision, FusedGate gate, bool diagonal) {
    Run run;
    const auto bits = static_cast<int>(state.range(0));
    auto buffer = run.backend->makeState(bits, precision);
    if (!buffer) return state.SkipWithError(buffer.error().message.c_str());
    gate.form = diagonal ? FusedGate::Form::Diagonal : FusedGate::Form::Dense;
    gate.targets = {static_cast<int>(state.range(1))};
    static const double singlePass = inPlacePass<float>(kSingleBits);
    static const double doublePass = inPlacePass<double>(kDoubleBits);
    double best = 1e9;
    for (auto _ : state)
        best = std::min(best, secondsOf([&] {
            if (!run.backend->applyGates(**buffer, {&gate, 1}, run.context)) state.SkipWithError("refused");
        }));
    state.counters["of_pass"] = (precision == Precision::Single ? singlePass : doublePass) / best;
}
const double kHalf = std::numbers::sqrt2 / 2;
const FusedGate kDense{FusedGate::Form::Dense, {}, 0, {{kHalf, 0}, {0, kHalf}, {0, kHalf}, {kHalf, 0}}};
const FusedGate kPhases{FusedGate::Form::Diagonal, {}, 0, {{kHalf, -kHalf}, {kHalf, kHalf}}};
void overQubits(benchmark::internal::Benchmark* b, int bits) {
    for (const int qubit : {0, 1, 2, 3, 8, 15, bits - 1}) b->Args({bits, qubit});
    b->UseRealTime();
}
BENCHMARK_CAPTURE(oneGate, dense_single, Precision::Single, kDense, false)->Apply([](auto* b) { overQubits(b, kSingleBits); });
BENCHMARK_CAPTURE(oneGate, dense_double, Precision::Double, kDense, false)->Apply([](auto* b) { overQubits(b, kDoubleBits); });
BENCHMARK_CAPTURE(oneGate, diagonal_single, Precision::Single, kPhases, true)->Apply([](auto* b) { overQubits(b, kSingleBits); });

/// A dense gate on as many qubits as asked, low ones or high ones: what fusion's cost table rests on.
void wideGate(benchmark::State& state, Precision precision) {
    Run run;
    constexpr int kBits = 22;
    auto buffer = run.backend->makeState(kBits, precision);
    if (!buffer) return state.SkipWithError(buffer.error().message.c_str());
    const auto width = static_cast<int>(state.range(0));
    FusedGate gate;
    for (int k = 0; k < width; ++k) gate.targets.push_back(static_cast<int>(state.range(1)) + k);
    gate.entries.resize(std::size_t{1} << 2 * width);
    for (std::size_t k = 0; k < std::size_t{1} << width; ++k) gate.entries[k * ((std::size_t{1} << width) + 1)] = 1;
    for (auto _ : state)
        if (!run.backend->applyGates(**buffer, {&gate, 1}, run.context)) state.SkipWithError("refused");
}
void overWidths(benchmark::internal::Benchmark* b) {
    for (int width = 1; width <= 5; ++width)
        for (const int first : {0, 10}) b->Args({width, first});
    b->UseRealTime();
}
BENCHMARK_CAPTURE(wideGate, single, Precision::Single)->Apply(overWidths);
BENCHMARK_CAPTURE(wideGate, double, Precision::Double)->Apply(overWidths);

Circuit empty(int qubits) {
    Circuit circuit;
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    return circuit;
}
void add(Circuit& circuit, const char* name, std::vector<double> parameters, std::vector<int> qubits) {
    circuit.operations.push_back({GateOp{name, std::move(parameters), std::move(qubits)}, {}, {}});
}
Circuit ghz(int n) {
    Circuit circuit = empty(n);
    add(circuit, "h", {}, {0});
    for (int k = 1; k < n; ++k) add(circuit, "cx", {}, {k - 1, k});
    return circuit;
}
Circuit fourier(int n) {
    Circuit circuit = empty(n);
    for (int k = n - 1; k >= 0; --k) {
        add(circuit, "h", {}, {k});
        for (int j = k - 1; j >= 0; --j) add(circuit, "cp", {std::numbers::pi / std::pow(2, k - j)}, {j, k});
    }
    for (int k = 0; k < n / 2; ++k) add(circuit, "swap", {}, {k, n - 1 - k});
    return circuit;
}
/// Twenty layers: every qubit turned, then neighbours in random pairs joined.
Circuit layers(int n) {
    Circuit circuit = empty(n);
    std::mt19937 random(1);
    std::vector<int> order(static_cast<std::size_t>(n));
    for (int k = 0; k < n; ++k) order[static_cast<std::size_t>(k)] = k;
    for (int layer = 0; layer < 20; ++layer) {
        for (int k = 0; k < n; ++k) add(circuit, "u3", {0.3 * k, 0.2 * layer, 0.1}, {k});
        for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random() % k]);
        for (std::size_t k = 0; k + 1 < order.size(); k += 2) add(circuit, "cx", {}, {order[k], order[k + 1]});
    }
    return circuit;
}

void wholeCircuit(benchmark::State& state, Circuit (*make)(int), Precision precision) {
    Run run;
    const Circuit circuit = make(static_cast<int>(state.range(0)));
    SimulationRequest request;
    request.precision = precision;
    const auto simulator = makeStatevectorSimulator();
    for (auto _ : state) {
        const auto result = simulator->run(circuit, request, run.context);
        if (!result) return state.SkipWithError(result.error().message.c_str());
        state.counters["gates"] = static_cast<double>(result->gates);
        state.counters["passes"] = static_cast<double>(result->fusedGates);
    }
}
BENCHMARK_CAPTURE(wholeCircuit, ghz_single, ghz, Precision::Single)->Arg(22)->Arg(24)->UseRealTime();
BENCHMARK_CAPTURE(wholeCircuit, fourier_single, fourier, Precision::Single)->Arg(16)->Arg(22)->Arg(24)->UseRealTime();
BENCHMARK_CAPTURE(wholeCircuit, layers_single, layers, Precision::Single)->Arg(10)->Arg(16)->Arg(22)->UseRealTime();
BENCHMARK_CAPTURE(wholeCircuit, layers_double, layers, Precision::Double)->Arg(22)->UseRealTime();

/// The same layers with a depolarizing channel after every gate, as a density matrix; 20 layers on 10 qubits are 300 gates. The best
/// public simulator takes 2.9 s for 290 such gates in single precision on one thread, where an in-place pass runs at 23 GB/s.
void noisyLayers(benchmark::State& state, Precision precision) {
    Run run;
    const ThreadLimit limit(1);
    const Circuit circuit = layers(static_cast<int>(state.range(0)));
    SimulationRequest request;
    request.method = "density";
    request.precision = precision;
    auto noise = makeNoisePreset("depolarizing:p1=0.001,p2=0.01");
    if (!noise) return state.SkipWithError(noise.error().message.c_str());
    request.noise = std::make_shared<const NoiseModel>(*std::move(noise));
    const auto simulator = makeDensitySimulator();
    for (auto _ : state) {
        const auto result = simulator->run(circuit, request, run.context);
        if (!result) return state.SkipWithError(result.error().message.c_str());
        state.counters["gates"] = static_cast<double>(result->gates);
        state.counters["passes"] = static_cast<double>(result->fusedGates);
    }
}
BENCHMARK_CAPTURE(noisyLayers, single, Precision::Single)->Arg(10)->Arg(12)->UseRealTime();
BENCHMARK_CAPTURE(noisyLayers, double, Precision::Double)->Arg(10)->UseRealTime();

} // namespace
