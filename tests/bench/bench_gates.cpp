// SPDX-License-Identifier: GPL-3.0-or-later
// What the cost table of fusion rests on, and noisy circuits as density matrices.
#include "engine/core/parallel.h"
#include "engine/quantum/sim/noise_model.h"
#include "tests/bench/circuits.h"

#include <benchmark/benchmark.h>

#include <chrono>

namespace {

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::bench;

/// Many dense gates on as many qubits as asked among five neighbours, one after another in cache; 0: turns with real
/// entries. `per_amplitude`: of one gate, in nanoseconds on one thread.
void wideGate(benchmark::State& state, Precision precision) {
    Run run;
    const ThreadLimit limit(1);
    constexpr int kBits = 20, kGates = 32;
    auto buffer = run.backend->makeState(kBits, precision);
    if (!buffer) return state.SkipWithError(buffer.error().message.c_str());
    const bool turns = state.range(0) == 0;
    const int width = turns ? 1 : static_cast<int>(state.range(0));
    std::vector<FusedGate> gates;
    for (int i = 0; i < kGates; ++i) {
        FusedGate gate;
        for (int k = 0; k < width; ++k) gate.targets.push_back(static_cast<int>(state.range(1)) + (i + k) % 5);
        const std::size_t size = std::size_t{1} << width;
        gate.entries.assign(size * size, turns ? 0.6 : std::complex<double>(1e-3, 1e-3));
        for (std::size_t k = 0; k < size; ++k)
            gate.entries[k * (size + 1)] = turns ? 0.8 : std::complex<double>(0.6, 0.8);
        if (turns) gate.entries[1] = -0.6;
        gates.push_back(std::move(gate));
    }
    FusedGate all{FusedGate::Form::Dense, {kBits - 1}, 0, {0.6, 0.8, 0.8, -0.6}}; // reaches every amplitude
    if (!run.backend->applyGates(**buffer, {&all, 1}, run.context)) return state.SkipWithError("refused");
    double best = 1e9;
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        if (!run.backend->applyGates(**buffer, gates, run.context)) state.SkipWithError("refused");
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    state.counters["per_amplitude"] = best * 1e9 / kGates / (1 << kBits);
}
void overWidths(benchmark::internal::Benchmark* b) {
    for (int width = 0; width <= 5; ++width)
        for (const int first : {0, 10}) b->Args({width, first});
    b->UseRealTime();
}
BENCHMARK_CAPTURE(wideGate, single, Precision::Single)->Apply(overWidths);
BENCHMARK_CAPTURE(wideGate, double, Precision::Double)->Apply(overWidths);

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

/// Twenty layers of turns and joined pairs with a depolarizing channel after every gate, as a density matrix; 20 layers
/// on 10 qubits are 300 gates. The best public simulator takes 2.9 s for 290 such gates in single precision on one
/// thread, where an in-place pass runs at 23 GB/s.
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
