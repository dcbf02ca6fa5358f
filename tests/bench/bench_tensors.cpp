// SPDX-License-Identifier: GPL-3.0-or-later
// The budgets for tensors, each as a ratio of what was measured to what is allowed; see README.md.
#include "engine/analysis/statistics.h"
#include "engine/backend/compute_backend.h"
#include "engine/checkpoint/reader.h"
#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"
#include "engine/plan/model.h"
#include "engine/tensor/half.h"
#include "tests/bench/gemm.h"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
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

constexpr std::int64_t kRows = 16384, kColumns = 4096, kElements = kRows * kColumns;

double secondsOf(const std::function<bool()>& work) {
    const auto start = std::chrono::steady_clock::now();
    if (!work()) {
        fmt::print(stderr, "error: a measured operation failed\n");
        std::exit(1);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Copies one buffer to another on all cores; both have been touched before.
struct Copy {
    std::vector<float> from = largeVector<float>(kElements), to = largeVector<float>(kElements);

    double seconds(Run& run) {
        return secondsOf([&] {
            return parallelChunks(kElements, 1 << 20, run.context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                std::memcpy(to.data() + begin, from.data() + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
                return {};
            }).has_value();
        });
    }
};

void print(const std::string& what, const std::string& measured, const std::string& budget, double ratio) {
    fmt::print("| {} | {} | {} | {:.2f} | {} |\n", what, measured, budget, ratio, ratio >= 1 ? "yes" : "no");
    std::fflush(stdout);
}

/// The best of a few pairs of runs, the copy and the work in turns, so that a busy machine disturbs both alike.
void againstCopy(Run& run, Copy& copy, const std::string& what, double bytes, double share, const std::function<bool()>& work) {
    double rate = 0, copyRate = 0;
    for (int i = 0; i < 7; ++i) {
        copyRate = std::max(copyRate, static_cast<double>(kElements) * sizeof(float) / copy.seconds(run));
        rate = std::max(rate, bytes / secondsOf(work));
    }
    print(what, fmt::format("{:.2f} GB/s = {:.0f} % of copy", rate / 1e9, 100 * rate / copyRate),
          fmt::format("{:.0f} % of {:.2f} GB/s", 100 * share, copyRate / 1e9), rate / copyRate / share);
}

/// Seconds for 103 million weights on two threads, the measure that the reference encoders' times are stated in.
void againstReference(Run& run, const std::vector<float>& weights, DType type, double referenceSeconds) {
    constexpr std::int64_t part = kElements / 8;
    double best = 1e9;
    for (int i = 0; i < 3; ++i)
        best = std::min(best, secondsOf([&] {
            return run.backend->encodeBlocks(type, std::span(weights).first(part), kColumns, {}, run.context).has_value();
        }));
    const double seconds = best * 103e6 / static_cast<double>(part) * availableThreads() / 2;
    print(fmt::format("{} encoder, 103 M weights on 2 threads", info(type).name), fmt::format("{:.2f} s", seconds),
          fmt::format("a third of {:.1f} s", referenceSeconds), referenceSeconds / 3 / seconds);
}

/// [rows, inner] times weights of [columns, inner] or [inner, columns], against the machine's best product.
void againstProduct(Run& run, std::int64_t rows, std::int64_t inner, std::int64_t columns, bool transposed, double best) {
    std::vector<float> left(static_cast<std::size_t>(rows * inner)), right(static_cast<std::size_t>(inner * columns));
    std::vector<float> result(static_cast<std::size_t>(rows * columns));
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (float& value : left) value = normal(random);
    for (float& value : right) value = normal(random);
    kernels::MatrixProduct<float> product;
    product.rows = rows;
    product.columns = columns;
    product.inner = inner;
    product.left = {left, inner};
    product.right = {right, transposed ? inner : columns, transposed};
    product.result = result;
    product.resultStride = columns;
    double seconds = 1e9;
    for (int i = 0; i < 10; ++i)
        seconds = std::min(seconds, secondsOf([&] { return kernels::multiply(product, run.context).has_value(); }));
    const double rate = 2.0 * static_cast<double>(rows * inner) * static_cast<double>(columns) / seconds;
    const std::string weights = transposed ? fmt::format("[{}, {}] transposed", columns, inner) : fmt::format("[{}, {}]", inner, columns);
    print(fmt::format("product [{}, {}] x {}", rows, inner, weights),
          fmt::format("{:.1f} GFLOP/s = {:.0f} % of gemm", rate / 1e9, 100 * rate / best),
          fmt::format("70 % of {:.1f} GFLOP/s", best / 1e9), rate / best / 0.7);
}

/// 512 tokens through the bundled model, in a batch of windows of its context, against the time that the products of its
/// linear layers alone would take at the machine's best rate.
void againstPrompt(Run& run, double best) {
    const auto checkpoint = makeSafetensorsReader()->open(QSCOPE_BARD, {}, run.notes);
    const auto model = checkpoint ? loadModel(*checkpoint, {}, run.notes) : tl::unexpected<Error>(checkpoint.error());
    if (!model) {
        fmt::print(stderr, "error: the bundled model does not load: {}\n", describe(model.error()));
        std::exit(1);
    }
    constexpr std::int64_t kTokens = 512;
    const std::int64_t window = std::min(kTokens, model->context);
    std::vector<std::int64_t> tokens, positions;
    for (std::int64_t i = 0; i < kTokens; ++i) tokens.push_back(i * 37 % model->config.vocabulary);
    for (std::int64_t i = 0; i < window; ++i) positions.push_back(i);
    const std::vector inputs{nn::makeValue(Shape{kTokens / window, window}, std::move(tokens)),
                             nn::makeValue(Shape{window}, std::move(positions))};
    double work = 0;
    for (const nn::Node& node : model->graph->nodes)
        if (node.op->name == "Linear")
            if (const auto weight = model->weights->weight(model->graph->values[static_cast<std::size_t>(node.inputs[1])].name, Precision::Single))
                work += 2.0 * static_cast<double>(elementCount(weight->shape()) * kTokens);
    double seconds = 1e9;
    for (int i = 0; i < 10; ++i)
        seconds = std::min(seconds, secondsOf([&] {
                               return nn::runGraph(*model->graph, inputs, *model->weights, run.context).has_value();
                           }));
    print("prompt of 512 tokens, bundled model",
          fmt::format("{:.0f} tokens/s = {:.0f} % of gemm", static_cast<double>(kTokens) / seconds, 100 * work / seconds / best),
          fmt::format("50 % of {:.1f} GFLOP/s", best / 1e9), work / seconds / best / 0.5);
}

long peakMemory() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss; // KiB
}

/// A safetensors file of 100 GB without data on the disk: `tensors` tensors that share it evenly.
std::string makeSparseFile(std::uint64_t tensors) {
    const std::uint64_t total = 100'000'000'000 / (2 * tensors) * (2 * tensors), each = total / tensors;
    std::string header = "{";
    for (std::uint64_t i = 0; i < tensors; ++i)
        header += fmt::format("{}\"model.layers.{}.weight\":{{\"dtype\":\"F16\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                              i == 0 ? "" : ",", i, each / 2, i * each, (i + 1) * each);
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    const std::string path = fmt::format("{}/qscope-bench-{}.safetensors", std::filesystem::temp_directory_path().string(), ::getpid());
    std::ofstream file(path, std::ios::binary);
    const std::uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof length).write(header.data(), static_cast<std::streamsize>(length));
    file.close();
    std::filesystem::resize_file(path, 8 + length + total);
    return path;
}

void measureOpening(std::uint64_t tensors) {
    const std::string path = makeSparseFile(tensors);
    const auto reader = makeSafetensorsReader();
    Diagnostics notes;
    const double seconds = secondsOf([&] {
        const auto checkpoint = reader->open(path, {}, notes);
        return checkpoint && (*checkpoint)->tensors.size() == tensors;
    });
    std::filesystem::remove(path);
    print(fmt::format("open 100 GB, {} tensors: time", tensors), fmt::format("{:.3f} s", seconds), "0.3 s", 0.3 / seconds);
    print(fmt::format("open 100 GB, {} tensors: memory", tensors), fmt::format("{} MB", peakMemory() / 1000), "200 MB",
          200e3 / static_cast<double>(peakMemory()));
}

} // namespace

int main() {
    fmt::print("| what | measured | budget | ratio | met |\n|---|---|---|---|---|\n");
    // First, while the peak of this process is that of the opening alone.
    measureOpening(1000);
    measureOpening(100'000);

    Run run;
    Copy copy;
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.02f);
    for (std::int64_t i = 0; i < kElements; ++i)
        copy.from[static_cast<std::size_t>(i)] = i < 1 << 20 ? normal(random) : copy.from[static_cast<std::size_t>(i % (1 << 20))];
    const std::vector<float>& weights = copy.from;

    std::vector<std::byte> halves(2 * kElements);
    for (std::size_t i = 0; i < kElements; ++i) {
        const std::uint16_t half = floatToHalf(weights[i]);
        std::memcpy(halves.data() + 2 * i, &half, sizeof half);
    }
    const TensorView tensor = makeTensor(DType::F16, {kRows, kColumns}, std::move(halves));
    againstCopy(run, copy, "statistics and histogram, F16", 2.0 * kElements, 0.5,
                [&] { return computeStatistics(tensor, {}, run.context).has_value(); });
    againstCopy(run, copy, "round to nearest, group 128, F32", 4.0 * kElements, 0.3, [&] {
        return run.backend->roundToGrid(weights, {kRows, kColumns, 1, 128}, {4, true, ScaleType::F32}, run.context).has_value();
    });
    for (const DType type : {DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::MXFP4, DType::NVFP4,
                             DType::TQ1_0, DType::TQ2_0, DType::Q1_0, DType::Q2_0})
        againstCopy(run, copy, fmt::format("{} encoder, F32", info(type).name), 4.0 * kElements, 0.3, [&] {
            return run.backend->encodeBlocks(type, weights, kColumns, {}, run.context).has_value();
        });
    constexpr std::pair<DType, double> searched[]{{DType::Q2_K, 9.0}, {DType::Q3_K, 1.8},   {DType::Q4_K, 9.4},  {DType::Q5_K, 8.4},
                                                  {DType::Q6_K, 4.9}, {DType::IQ4_NL, 33}, {DType::IQ4_XS, 38}};
    for (const auto& [type, seconds] : searched) againstReference(run, weights, type, seconds);
    const double best = bench::productRate();
    for (const bool transposed : {true, false}) {
        againstProduct(run, 512, 256, 768, transposed, best);
        againstProduct(run, 256, 1024, 1024, transposed, best);
        againstProduct(run, 512, 1024, 4096, transposed, best);
        againstProduct(run, 512, 4096, 4096, transposed, best);
    }
    againstPrompt(run, best);
    fmt::print("\ncopy of {} MB on {} threads; best single-precision product: {:.1f} GFLOP/s\n", 4 * kElements / 1000000,
               availableThreads(), best / 1e9);
    return 0;
}
