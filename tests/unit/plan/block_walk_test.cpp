// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/plan/sample_access.h"

#include "engine/core/random.h"
#include "engine/quant/uniform_step.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using test::SampleAccess;

namespace {

const std::string kSample = QSCOPE_SOURCE_DIR "/resources/samples/bard";
const std::string kPage = kSample + "/page.txt";

constexpr double kStep = 0.01; // the third derivative takes off under 1 %, single precision blurs under 0.1 %

/// The weight on a coarse grid: something to be wrong by.
std::shared_ptr<const QuantizedTensor> rounded(const SampleAccess& sample, std::size_t weight, int bits) {
    const auto values = sample.valuesOf(weight);
    const auto& shape = sample.access->weights()[weight].subject.shape;
    const Grouping grouping{shape[0], shape[1], 1, 64};
    const UniformGrid grid{bits, false};
    test::TestRun run;
    const auto steps = fitSteps(values, {}, grouping, grid, {}, run.context);
    REQUIRE(steps);
    return std::make_shared<const QuantizedTensor>(
        QuantizedTensor{shape, GridCodes{grid, grouping, roundToSteps(values, grouping, grid, *steps)}});
}

std::vector<float> valuesOf(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(dequantize(tensor, 0, values));
    return values;
}

/// The gradient against central differences along itself and along a random half of its elements: both are known from
/// the gradient alone, and large enough to be seen in single precision.
void checkAlongGradient(SampleAccess& sample, LossRequest request, std::size_t weight, double step) {
    const auto& subject = sample.access->weights()[weight].subject;
    INFO(subject.name);
    const std::vector<float> start = valuesOf(*rounded(sample, weight, 3));
    request.values = {{weight, makeTensor(subject.shape, start)}};
    request.wanted = {weight};
    const LossResult here = sample.loss(request);
    CHECK(here.loss > 0);
    const auto& gradient = here.gradients.at(weight);
    REQUIRE(gradient.size() == start.size());
    request.wanted = {};
    for (const bool half : {false, true}) {
        double squares = 0;
        std::vector<float> direction = gradient;
        for (std::size_t i = 0; i < direction.size(); ++i) {
            if (half && uniform(11, weight, i) < 0.5) direction[i] = 0;
            squares += static_cast<double>(direction[i]) * static_cast<double>(direction[i]);
        }
        REQUIRE(squares > 0);
        const double length = std::sqrt(squares);
        const auto lossAt = [&](double by) {
            std::vector<float> moved = start;
            for (std::size_t i = 0; i < moved.size(); ++i)
                moved[i] += static_cast<float>(by * static_cast<double>(direction[i]) / length);
            request.values[weight] = makeTensor(subject.shape, std::move(moved));
            return sample.loss(request).loss;
        };
        const double slope = (lossAt(step) - lossAt(-step)) / (2 * step);
        CHECK(slope == Approx(length).epsilon(0.02));
    }
}

/// Every kind of loss of a model in which the first two blocks are quantized.
void checkAllLosses(SampleAccess& sample) {
    for (const int block : {0, 1})
        for (const std::size_t weight : sample.access->weightsOf(block))
            sample.access->install(weight, rounded(sample, weight, 3));
    const std::vector<std::int64_t> both{0, 1};
    LossRequest request;
    request.first = request.last.emplace(2);
    request.sequences = both;
    for (const Stream inputs : {Stream::Quantized, Stream::Full})
        for (const Stream target : {Stream::Full, Stream::Quantized}) {
            request.inputs = inputs;
            request.target = target;
            for (const char* part : {"self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"})
                checkAlongGradient(sample, request, sample.weight(fmt::format("model.layers.2.{}.weight", part)),
                                   kStep);
        }
    request.last.reset();
    request.inputs = Stream::Quantized;
    request.target = Stream::Full;
    for (const auto criterion : {LossRequest::Criterion::KullbackLeibler, LossRequest::Criterion::CrossEntropy,
                                 LossRequest::Criterion::MeanSquares}) {
        request.criterion = criterion;
        request.first = 0;
        checkAlongGradient(sample, request, sample.weight("model.layers.4.self_attn.k_proj.weight"), kStep);
        checkAlongGradient(sample, request, sample.weight("model.layers.0.mlp.gate_proj.weight"), kStep);
        request.first = 3;
        checkAlongGradient(sample, request, sample.weight("model.layers.3.self_attn.q_proj.weight"), kStep);
    }
}

} // namespace

TEST_CASE("Gradients of a block's and of the network's losses are those of differences") {
    SampleAccess sample(*makeSafetensorsReader(), kSample, kPage);
    checkAllLosses(sample);
}

TEST_CASE("Gradients with respect to rotary rows stored in pairs come in the order in which they are stored") {
    test::TemporaryFolder folder;
    test::TestRun run;
    SampleAccess plain(*makeSafetensorsReader(), kSample, kPage);
    const auto path = folder / "m.gguf";
    const auto written = makeGgufExporter()->write(*plain.model.checkpoint, nullptr, path, run.context);
    if (!written) FAIL(describe(written.error()));
    SampleAccess stored(*makeGgufReader(), path, kPage);
    const std::string query = "model.layers.2.self_attn.q_proj.weight";
    REQUIRE(plain.valuesOf(plain.weight(query)) != stored.valuesOf(stored.weight(query)));
    checkAllLosses(stored);
}

TEST_CASE("A loss in which nothing is replaced is zero, and grows with what is") {
    SampleAccess sample(*makeSafetensorsReader(), kSample, kPage);
    LossRequest request;
    const std::vector<std::int64_t> all{0, 1};
    request.sequences = all;
    request.first = request.last.emplace(1);
    CHECK(sample.loss(request).loss == 0);
    const std::size_t weight = sample.weight("model.layers.1.mlp.up_proj.weight");
    const auto& shape = sample.access->weights()[weight].subject.shape;
    double before = 0;
    for (const int bits : {8, 4, 2}) {
        request.values = {{weight, makeTensor(shape, valuesOf(*rounded(sample, weight, bits)))}};
        const double loss = sample.loss(request).loss;
        CHECK(loss > 4 * before);
        before = loss;
    }
    // What is installed in the block counts, what stands in for it counts more.
    sample.access->install(weight, rounded(sample, weight, 4));
    CHECK(sample.loss(request).loss == before);
    request.values.clear();
    const double installed = sample.loss(request).loss;
    CHECK(installed > 0);
    CHECK(installed < before);
}

TEST_CASE("The target follows the stream that is asked for") {
    SampleAccess sample(*makeSafetensorsReader(), kSample, kPage);
    for (const std::size_t weight : sample.access->weightsOf(0))
        sample.access->install(weight, rounded(sample, weight, 3));
    LossRequest request;
    const std::vector<std::int64_t> one{1};
    request.sequences = one;
    request.first = request.last.emplace(1);
    request.target = Stream::Quantized;
    CHECK(sample.loss(request).loss == 0); // the same block on the same inputs
    request.target = Stream::Full;
    const double behind = sample.loss(request).loss;
    CHECK(behind > 0);
    request.inputs = Stream::Full;
    CHECK(sample.loss(request).loss == 0);
    // Inputs in which some elements come from full precision lie between both, the same for the same seed.
    request.inputs = Stream::Quantized;
    request.mixed = 0.5;
    request.mixSeed = 3;
    const double mixed = sample.loss(request).loss;
    CHECK(mixed > 0);
    CHECK(mixed < behind);
    CHECK(sample.loss(request).loss == mixed);
    request.mixed = 1;
    CHECK(sample.loss(request).loss == 0);
}

TEST_CASE("Losses refuse what does not exist") {
    SampleAccess sample(*makeSafetensorsReader(), kSample, kPage);
    const std::vector<std::int64_t> one{0}, beyond{2};
    LossRequest good;
    good.sequences = one;
    good.first = good.last.emplace(1);
    const auto refused = [&](LossRequest request) {
        const auto found = sample.access->loss(request, sample.run.context);
        REQUIRE_FALSE(found);
        return found.error().code;
    };
    LossRequest request = good;
    request.sequences = beyond;
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.last = 6;
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.wanted = {1000};
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.wanted = {sample.weight("model.layers.2.mlp.up_proj.weight")};
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.values = {{1000, makeTensor(Shape{1, 1}, std::vector<float>{0})}};
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.values = {{0, makeTensor(Shape{1, 1}, std::vector<float>{0})}};
    CHECK(refused(request) == ErrorCode::OutOfRange);
    request = good;
    request.criterion = LossRequest::Criterion::KullbackLeibler;
    CHECK(refused(request) == ErrorCode::OutOfRange);
}
