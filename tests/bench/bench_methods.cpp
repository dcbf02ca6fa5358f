// SPDX-License-Identifier: GPL-3.0-or-later
// Second-order methods on a layer of 4096 x 4096, against four products of that size; see README.md.
#include "engine/backend/compute_backend.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"
#include "plugins/second_order/methods.h"
#include "tests/bench/gemm.h"
#include "tests/support/random_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

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

void require(bool fine) {
    if (fine) return;
    fmt::print(stderr, "error: a measured operation failed\n");
    std::exit(1);
}

template<class Work>
double secondsOf(Work work) {
    const auto start = std::chrono::steady_clock::now();
    require(work());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A Xᵀ of inputs [tokens, size], in single precision and kept in double as calibration does.
std::vector<double> momentsOf(std::span<const float> a, std::span<const float> x, std::int64_t size, Run& run) {
    std::vector<float> sums(static_cast<std::size_t>(size * size));
    require(kernels::multiply(kernels::MatrixProduct<float>{.rows = size,
                                                            .columns = size,
                                                            .inner = static_cast<std::int64_t>(x.size()) / size,
                                                            .left = {a, size, true},
                                                            .right = {x, size},
                                                            .result = sums,
                                                            .resultStride = size},
                              run.context)
                .has_value());
    return {sums.begin(), sums.end()};
}

} // namespace

/// One argument: only the rows whose text holds it.
int main(int argc, char** argv) {
    constexpr std::int64_t size = 4096;
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    Run run;
    const auto count = static_cast<std::size_t>(size * size);
    const auto weight = test::normalValues(count, 1), x = test::normalValues(2 * count, 2);
    auto full = x; // the other network's inputs: a little off
    for (std::size_t i = 0; i < full.size(); ++i) full[i] += 0.05F * x[(i * 7 + 3) % x.size()];
    for (std::size_t i = 0; i < full.size(); ++i) full[i] -= x[i];
    InputStatistics statistics;
    statistics.channels = size;
    statistics.tokens = 2 * size;
    statistics.secondMoments = momentsOf(x, x, size, run);
    const auto cross = momentsOf(full, x, size, run);

    QuantInput input{{{size, size}, "layer.weight"}, makeTensor({size, size}, weight)};
    input.subject.hasCalibration = true;
    input.calibration = &statistics;
    input.fullInputs = &statistics;
    input.crossMoments = cross;

    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (auto make : {makeGptq, makeFoem, makeGptaq}) methods.push_back(make());
    constexpr std::pair<std::size_t, const char*> specs[]{{0, "gptq:bits=4,group=128"},
                                                          {0, "gptq:bits=3,symmetric=false,act_order=true"},
                                                          {0, "gptq:bits=4,static_groups=true,mse=true"},
                                                          {1, "foem:bits=3,symmetric=false"},
                                                          {2, "gptaq:bits=3,symmetric=false"}};
    fmt::print("| what | measured | budget | ratio | met |\n|---|---|---|---|---|\n");
    for (const auto& [which, text] : specs) {
        if (std::string_view(text).find(wanted) == std::string_view::npos) continue;
        const auto spec = parseMethodSpec(text);
        const auto values = resolveParameters(methods[which]->info().parameters, *spec);
        require(values.has_value());
        double best = 1e9, rate = 0;
        for (int i = 0; i < 3; ++i) { // in turns, so that a busy machine disturbs both alike
            rate = std::max(rate, bench::productRate());
            best = std::min(
                best, secondsOf([&] { return methods[which]->quantize(input, *values, 0, run.context).has_value(); }));
        }
        const double budget = 4 * 2.0 * static_cast<double>(size * size) * static_cast<double>(size) / rate;
        fmt::print("| {}, {} x {} | {:.2f} s | 4 products, {:.2f} s | {:.2f} | {} |\n", text, size, size, best, budget,
                   budget / best, best <= budget ? "yes" : "no");
        std::fflush(stdout);
    }
    fmt::print("\n{} threads\n", availableThreads());
    return 0;
}
