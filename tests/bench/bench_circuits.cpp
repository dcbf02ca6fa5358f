// SPDX-License-Identifier: GPL-3.0-or-later
// Stabilizers, matrix product states and gradients: what the planner's constants rest on.
#include "engine/quantum/gradient/gradient.h"
#include "engine/quantum/sim/simulation.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
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

Circuit empty(int qubits) {
    Circuit circuit;
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    return circuit;
}
void add(Circuit& circuit, const char* name, std::vector<double> parameters, std::vector<int> qubits) {
    circuit.operations.emplace_back();
    circuit.operations.back().what.emplace<GateOp>(GateOp{name, std::move(parameters), std::move(qubits)});
}

/// Ten layers of h, s and cx on random pairs.
Circuit clifford(int n) {
    Circuit circuit = empty(n);
    std::mt19937 random(1);
    for (int layer = 0; layer < 10; ++layer)
        for (int q = 0; q < n; ++q) {
            const int other = static_cast<int>(random() % static_cast<unsigned>(n));
            add(circuit, random() % 2 ? "h" : "s", {}, {q});
            if (other != q) add(circuit, "cx", {}, {q, other});
        }
    return circuit;
}
/// Layers of ry, rz and cx between neighbours.
Circuit layered(int n, int layers) {
    Circuit circuit = empty(n);
    for (int layer = 0; layer < layers; ++layer) {
        for (int q = 0; q < n; ++q) {
            add(circuit, "ry", {0.3 + 0.1 * q + layer}, {q});
            add(circuit, "rz", {0.2 - 0.1 * q + layer}, {q});
        }
        for (int q = 0; q + 1 < n; ++q) add(circuit, "cx", {}, {q, q + 1});
    }
    return circuit;
}

void simulate(benchmark::State& state, const Simulator& simulator, const Circuit& circuit,
              const SimulationRequest& request) {
    Run run;
    for (auto _ : state) {
        const auto result = simulator.run(circuit, request, run.context);
        if (!result) return state.SkipWithError(result.error().message.c_str());
        state.counters["bond"] = result->bond;
    }
    const auto estimate = simulator.estimate(circuit, request);
    state.counters["expected_s"] = estimate ? estimate->seconds : 0;
}

void stabilizers(benchmark::State& state) {
    SimulationRequest request;
    request.shots = state.range(1);
    request.top = 0;
    simulate(state, *makeStabilizerSimulator(), clifford(static_cast<int>(state.range(0))), request);
}
BENCHMARK(stabilizers)
    ->Args({100, 0})
    ->Args({100, 100000})
    ->Args({1000, 0})
    ->Args({1000, 10000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void products(benchmark::State& state) {
    SimulationRequest request;
    request.shots = state.range(2);
    request.bond = static_cast<int>(state.range(1));
    request.top = 0;
    simulate(state, *makeMpsSimulator(), layered(static_cast<int>(state.range(0)), 8), request);
}
BENCHMARK(products)
    ->Args({50, 8, 0})
    ->Args({50, 32, 0})
    ->Args({50, 64, 0})
    ->Args({50, 32, 10000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// `energies`: time of all slopes over that of one run with the observable's value.
void adjoint(benchmark::State& state) {
    Run run;
    const int n = static_cast<int>(state.range(0));
    const Circuit circuit = layered(n, 4);
    SimulationRequest request;
    request.top = 0;
    std::vector<PauliTerm> observable;
    for (int q = 0; q + 1 < n; ++q) {
        request.observables.push_back(fmt::format("Z{} Z{}", q, q + 1));
        observable.push_back({{0, std::uint64_t{3} << q}, 1});
    }
    const auto parameters = parametersOf(circuit);
    const auto simulator = makeStatevectorSimulator();
    const auto secondsOf = [](const auto& work) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    double energy = 1e9, slopes = 1e9;
    for (auto _ : state) {
        energy = std::min(energy,
                          secondsOf([&] { benchmark::DoNotOptimize(simulator->run(circuit, request, run.context)); }));
        slopes = std::min(slopes, secondsOf([&] {
                              benchmark::DoNotOptimize(
                                  gradientOf(circuit, parameters, observable, GradientMethod::Adjoint, run.context));
                          }));
    }
    state.counters["angles"] = static_cast<double>(parameters.size());
    state.counters["energies"] = slopes / energy;
    state.counters["energy_s"] = energy;
}
BENCHMARK(adjoint)->Arg(12)->Arg(20)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
