// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include "engine/core/atomic_file.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "plugins/gguf_blocks/block_method.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

using namespace qscope;
using namespace qscope::engine;

namespace {

Registries builtInMethods() {
    Registries registries;
    REQUIRE(registries.methods.add(makeRoundToNearest()));
    for (auto& method : makeBlockMethods()) REQUIRE(registries.methods.add(std::move(method)));
    return registries;
}

/// A checkpoint of single-precision tensors in a file of its own.
class SyntheticCheckpoint {
public:
    void add(std::string name, Shape shape, const std::vector<float>& values) {
        checkpoint.tensors.push_back({std::move(name), DType::F32, std::move(shape), 0, m_bytes.size(), 4 * values.size()});
        m_bytes.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    }
    const Checkpoint& open() {
        checkpoint.path = m_folder / "synthetic.bin";
        REQUIRE(writeFileAtomically(checkpoint.path, m_bytes));
        const auto file = MappedFile::open(checkpoint.path);
        REQUIRE(file);
        checkpoint.files = {*file};
        return checkpoint;
    }
    Checkpoint checkpoint;

private:
    test::TemporaryFolder m_folder;
    std::string m_bytes;
};

std::vector<float> randomWeights(std::size_t count, std::uint64_t seed) {
    std::vector<float> weights(count);
    for (std::size_t i = 0; i < count; ++i) weights[i] = static_cast<float>(uniform(seed, 0, i) - uniform(seed, 1, i));
    return weights;
}

MethodSpec spec(const std::string& text) { return parseMethodSpec(text).value(); }

/// Metrics in double, one weight after another, from what the report holds.
struct NaiveMetrics {
    double reference = 0, difference = 0, product = 0, result = 0, maximum = 0;

    void add(const TensorView& stored, const QuantizedTensor& quantized) {
        const auto count = static_cast<std::size_t>(elementCount(stored.shape));
        std::vector<float> w(count);
        std::vector<float> q(count);
        REQUIRE(decode(stored, 0, std::span(w)));
        REQUIRE(dequantize(quantized, 0, q));
        for (std::size_t i = 0; i < count; ++i) {
            const double a = w[i];
            const double b = q[i];
            reference += a * a;
            difference += (a - b) * (a - b);
            product += a * b;
            result += b * b;
            maximum = std::max(maximum, std::abs(a - b));
        }
    }
    void check(const ErrorMetrics& metrics) const {
        CHECK(metrics.relativeMse == Approx(difference / reference).epsilon(1e-9));
        CHECK(metrics.sqnrDb == Approx(-10 * std::log10(difference / reference)).epsilon(1e-9));
        CHECK(metrics.cosine == Approx(product / std::sqrt(reference * result)).epsilon(1e-9));
        CHECK(metrics.maxError == Approx(maximum).epsilon(1e-9));
    }
};

void checkAgainstNaive(const CompareReport& report, const Checkpoint& checkpoint) {
    for (const MethodResult& method : report.methods) {
        INFO(method.label);
        NaiveMetrics all;
        std::uint64_t bits = 0;
        std::int64_t weights = 0;
        for (const TensorResult& tensor : method.tensors) {
            INFO(tensor.name);
            NaiveMetrics one;
            one.add(checkpoint.view(tensor.tensor), *tensor.quantized);
            one.check(tensor.metrics);
            all.add(checkpoint.view(tensor.tensor), *tensor.quantized);
            const auto count = elementCount(checkpoint.tensors[tensor.tensor].shape);
            CHECK(tensor.name == checkpoint.tensors[tensor.tensor].name);
            CHECK(tensor.sums.count == count);
            CHECK(tensor.bits == Approx(static_cast<double>(storedBits(*tensor.quantized)) / static_cast<double>(count)));
            bits += storedBits(*tensor.quantized);
            weights += count;
        }
        all.check(method.metrics);
        CHECK(method.bitsPerWeight == Approx(static_cast<double>(bits) / static_cast<double>(weights)));
        CHECK(method.bytes >= bits / 8);
        CHECK(method.bytes <= bits / 8 + method.tensors.size());
        CHECK(method.seconds >= 0);
    }
}

/// A method that cannot do what a test wants it not to do.
class FailingMethod final : public QuantMethod {
public:
    explicit FailingMethod(ErrorCode code) : m_code(code) {}
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        return QuantizedTensor{subject.shape, BlockCodes{}};
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput&, const ParamValues&, std::uint64_t,
                                                   const RunContext&) const override {
        return fail(m_code, "broken");
    }

private:
    ErrorCode m_code;
    MethodInfo m_info{"broken", "Broken", "", "", "", {}};
};

} // namespace

TEST_CASE("a plan measures every method as a naive sum in double does", "[plan]") {
    SyntheticCheckpoint source;
    source.add("model.layers.0.mlp.up_proj.weight", {48, 64}, randomWeights(48 * 64, 1));
    source.add("model.layers.0.input_layernorm.weight", {64}, randomWeights(64, 2));
    source.add("model.layers.11.mlp.down_proj.weight", {2, 24, 96}, randomWeights(2 * 24 * 96, 3));
    source.add("lm_head.weight", {10, 33}, randomWeights(330, 4)); // no whole block
    const Checkpoint& checkpoint = source.open();
    const Registries registries = builtInMethods();
    test::TestRun run;
    const Plan plan{"", {}, {spec("rtn:bits=4,group=32"), spec("q8_0"), spec("rtn:bits=3,symmetric=false,granularity=tensor")}, 0};
    const auto report = runPlan(plan, checkpoint, registries, run.context);
    REQUIRE(report);
    REQUIRE((*report)->methods.size() == 3);
    CHECK((*report)->source == checkpoint.path.string());
    CHECK((*report)->methods[0].label == "rtn bits=4 group=32");
    CHECK((*report)->methods[1].label == "q8_0");
    CHECK((*report)->methods[0].device == run.backend->name());
    REQUIRE((*report)->methods[0].tensors.size() == 3);
    CHECK((*report)->methods[0].tensors[0].layer == 0);
    CHECK((*report)->methods[0].tensors[1].layer == 11);
    CHECK_FALSE((*report)->methods[0].tensors[2].layer);
    checkAgainstNaive(**report, checkpoint);

    // The head is left out of Q8_0 alone, and the notes say so.
    CHECK((*report)->methods[1].tensors.size() == 2);
    REQUIRE((*report)->notes.size() == 1);
    CHECK((*report)->notes[0].severity == Severity::Warning);
    CHECK((*report)->notes[0].subject == "lm_head.weight, q8_0");
    CHECK((*report)->notes[0].message.find("multiple of 32") != std::string::npos);

    const std::int64_t weights = 48 * 64 + 2 * 24 * 96 + 330;
    CHECK(run.progress.total == 3 * weights);
    CHECK(run.progress.done == 3 * weights);
}

TEST_CASE("a tensor that passes through in steps is measured as a whole", "[plan]") {
    SyntheticCheckpoint source;
    source.add("w", {3, 1'600'000}, randomWeights(4'800'000, 9));
    const Checkpoint& checkpoint = source.open();
    test::TestRun run;
    const auto report = runPlan({"", {}, {spec("q4_0"), spec("rtn:granularity=tensor")}, 0}, checkpoint, builtInMethods(), run.context);
    REQUIRE(report);
    checkAgainstNaive(**report, checkpoint);
}

TEST_CASE("a report is the same on any number of threads", "[plan]") {
    SyntheticCheckpoint source;
    source.add("a", {300, 1024}, randomWeights(300 * 1024, 5));
    const Checkpoint& checkpoint = source.open();
    const Registries registries = builtInMethods();
    const Plan plan{"", {}, {spec("rtn:bits=4"), spec("q4_k"), spec("rtn:granularity=input-channel,symmetric=false")}, 0};
    std::vector<std::shared_ptr<const CompareReport>> reports;
    for (const int threads : {1, 2, 7}) {
        const ThreadLimit limit(threads);
        test::TestRun run;
        const auto report = runPlan(plan, checkpoint, registries, run.context);
        REQUIRE(report);
        reports.push_back(*report);
    }
    for (const auto& other : reports)
        for (std::size_t m = 0; m < plan.methods.size(); ++m) {
            const auto& a = reports[0]->methods[m].tensors[0];
            const auto& b = other->methods[m].tensors[0];
            CHECK(a.sums.difference == b.sums.difference);
            CHECK(a.sums.reference == b.sums.reference);
            CHECK(a.metrics.cosine == b.metrics.cosine);
            if (const auto* blocks = std::get_if<BlockCodes>(&a.quantized->codes))
                CHECK(blocks->bytes == std::get<BlockCodes>(b.quantized->codes).bytes);
            else
                CHECK(std::get<GridCodes>(a.quantized->codes).values.codes ==
                      std::get<GridCodes>(b.quantized->codes).values.codes);
        }
}

TEST_CASE("equal methods of a plan get labels of their own", "[plan]") {
    SyntheticCheckpoint source;
    source.add("a", {4, 32}, randomWeights(128, 5));
    const Checkpoint& checkpoint = source.open();
    test::TestRun run;
    const auto report = runPlan({"", {}, {spec("rtn"), spec("q8_0"), spec("rtn"), spec("rtn")}, 0}, checkpoint,
                                builtInMethods(), run.context);
    REQUIRE(report);
    std::set<std::string> labels;
    for (const auto& method : (*report)->methods) labels.insert(method.label);
    CHECK(labels == std::set<std::string>{"rtn", "q8_0", "rtn #2", "rtn #3"});
}

TEST_CASE("a plan that cannot run says why before any work", "[plan]") {
    SyntheticCheckpoint source;
    source.add("a", {4, 33}, randomWeights(132, 5));
    const Checkpoint& checkpoint = source.open();
    const Registries registries = builtInMethods();
    const auto errorOf = [&](const Plan& plan) {
        test::TestRun run;
        const auto report = runPlan(plan, checkpoint, registries, run.context);
        REQUIRE_FALSE(report);
        CHECK(report.error().code == ErrorCode::OutOfRange);
        return describe(report.error());
    };
    CHECK(errorOf({"", {}, {}, 0}) == "the plan has no method");
    CHECK(errorOf({"", {"b*"}, {spec("rtn")}, 0}) == "the plan selects none of the 1 tensors");
    CHECK(errorOf({"", {}, {spec("gptq")}, 0}).starts_with("method 'gptq' is unknown, there are rtn, q4_0, "));
    CHECK(errorOf({"", {}, {spec("rtn:bits=16")}, 0}) == "rtn: bits=16 is not from 2 to 8");
    CHECK(errorOf({"", {}, {spec("q4_0")}, 0}) ==
          "no method takes a selected tensor; tensor 'a': Q4_0 takes rows of a multiple of 32 weights, this tensor's have 33");
}

TEST_CASE("weights that are not finite and empty tensors are left out with a warning", "[plan]") {
    SyntheticCheckpoint source;
    auto broken = randomWeights(128, 5);
    broken[77] = std::numeric_limits<float>::quiet_NaN();
    source.add("bad", {4, 32}, broken);
    source.add("empty", {0, 32}, {});
    source.add("good", {4, 32}, randomWeights(128, 6));
    const Checkpoint& checkpoint = source.open();
    test::TestRun run;
    const auto report = runPlan({"", {"*"}, {spec("rtn")}, 0}, checkpoint, builtInMethods(), run.context);
    REQUIRE(report);
    REQUIRE((*report)->methods[0].tensors.size() == 1);
    CHECK((*report)->methods[0].tensors[0].name == "good");
    REQUIRE((*report)->notes.size() == 2);
    CHECK((*report)->notes[0].subject == "bad, rtn");
    CHECK((*report)->notes[0].message.find("row 2, column 13 is NaN") != std::string::npos);
    CHECK((*report)->notes[1].subject == "empty");
}

TEST_CASE("an error of the machine ends a plan, an error of one tensor does not", "[plan]") {
    SyntheticCheckpoint source;
    source.add("a", {4, 32}, randomWeights(128, 5));
    const Checkpoint& checkpoint = source.open();
    for (const auto& [code, ends] : {std::pair{ErrorCode::Device, true}, {ErrorCode::OutOfMemory, true},
                                     {ErrorCode::Io, true}, {ErrorCode::Unsupported, false}}) {
        Registries registries = builtInMethods();
        REQUIRE(registries.methods.add(std::make_unique<FailingMethod>(code)));
        test::TestRun run;
        const auto report = runPlan({"", {}, {spec("broken"), spec("rtn")}, 0}, checkpoint, registries, run.context);
        REQUIRE(report.has_value() != ends);
        if (ends) CHECK(describe(report.error()) == "tensor 'a': broken");
        else CHECK((*report)->methods.size() == 1);
    }
}

TEST_CASE("a plan stops when asked, before and during its work", "[plan]") {
    SyntheticCheckpoint source;
    source.add("a", {64, 65'536}, randomWeights(64 * 65'536, 5));
    const Checkpoint& checkpoint = source.open();
    const Registries registries = builtInMethods();
    const Plan plan{"", {}, std::vector<MethodSpec>(50, spec("q4_k")), 0};
    test::TestRun before;
    before.stop.request_stop();
    CHECK(runPlan(plan, checkpoint, registries, before.context).error().code == ErrorCode::Cancelled);

    test::TestRun during;
    Result<std::shared_ptr<const CompareReport>> outcome;
    std::thread worker([&] { outcome = runPlan(plan, checkpoint, registries, during.context); });
    while (during.progress.total == 0) std::this_thread::yield();
    during.stop.request_stop();
    worker.join();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == ErrorCode::Cancelled);
}

TEST_CASE("a real model is measured as a naive sum in double does", "[plan][data]") {
    const auto path = test::realData("llm-bard/model.safetensors");
    if (!path) return;
    Registries registries = builtInMethods();
    REQUIRE(registries.readers.add(makeSafetensorsReader()));
    test::TestRun run;
    const auto checkpoint = openCheckpoint(*path, registries, run.notes);
    REQUIRE(checkpoint);
    const auto report = runPlan({"", {}, {spec("rtn:bits=4,group=128"), spec("q4_0"), spec("q6_k")}, 0}, **checkpoint,
                                registries, run.context);
    REQUIRE(report);
    for (const auto& method : (*report)->methods) CHECK(method.tensors.size() == 44); // 6 layers of 7, embedding, output
    checkAgainstNaive(**report, **checkpoint);
}
