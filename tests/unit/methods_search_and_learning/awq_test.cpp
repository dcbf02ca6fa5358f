// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/awq_method.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/pipeline.h"
#include "engine/quant/uniform_step.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// Inputs [tokens, channels] and what calibration makes of them.
InputStatistics statisticsOf(const std::vector<float>& inputs, std::int64_t channels) {
    InputStatistics seen;
    seen.channels = channels;
    seen.tokens = seen.sampleRows = static_cast<std::int64_t>(inputs.size()) / channels;
    seen.samples = inputs;
    seen.secondMoments.resize(static_cast<std::size_t>(channels * channels));
    const auto n = static_cast<std::size_t>(channels);
    for (std::size_t t = 0; t < inputs.size(); t += n)
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = 0; b < n; ++b)
                seen.secondMoments[a * n + b] +=
                    static_cast<double>(inputs[t + a]) * static_cast<double>(inputs[t + b]);
    return seen;
}

/// Inputs some of whose channels are far larger than others.
std::vector<float> unevenInputs(std::int64_t tokens, std::int64_t channels) {
    auto inputs = normalValues(static_cast<std::size_t>(tokens * channels), 7);
    for (std::size_t i = 0; i < inputs.size(); ++i)
        inputs[i] *= i % static_cast<std::size_t>(channels) % 8 == 3 ? 30.0F : 1.0F;
    return inputs;
}

/// Σ over tokens and rows of ((ŵ - w) x)².
double outputError(const std::vector<float>& result, const std::vector<float>& weight, const std::vector<float>& inputs,
                   std::size_t channels) {
    double sum = 0;
    for (std::size_t row = 0; row < weight.size(); row += channels)
        for (std::size_t token = 0; token < inputs.size(); token += channels) {
            double off = 0;
            for (std::size_t c = 0; c < channels; ++c)
                off += (static_cast<double>(result[row + c]) - static_cast<double>(weight[row + c])) *
                       static_cast<double>(inputs[token + c]);
            sum += off * off;
        }
    return sum;
}

std::vector<float> rounded(std::vector<float> row, int bits, std::size_t group) {
    for (std::size_t first = 0; first < row.size(); first += group) {
        const std::span values(row.data() + first, group);
        const auto [low, high] = std::ranges::minmax(values);
        const double least = std::min(0.0F, low), most = std::max(0.0F, high),
                     step = (most - least) / ((1 << bits) - 1);
        const double zero = step > 0 ? std::clamp(std::nearbyint(-least / step), 0.0, (1 << bits) - 1.0) : 0;
        for (float& w : values)
            if (step > 0)
                w = static_cast<float>(
                    (std::clamp(std::nearbyint(static_cast<double>(w) / step) + zero, 0.0, (1 << bits) - 1.0) - zero) *
                    step);
    }
    return row;
}

ParamValues parametersFor(const QuantMethod& method, std::map<std::string, std::string> values) {
    const auto resolved = resolveParameters(method.info().parameters, {method.info().id, std::move(values)});
    if (!resolved) FAIL(resolved.error().message);
    return *resolved;
}

} // namespace

TEST_CASE("AWQ doubles the column of the textbook example when that column's inputs dominate") {
    // Step 1 with a range of 15: 3.4 rounds to 3. Doubled it is 6.8, rounds to 7, and comes back as 3.5.
    const auto method = makeAwqScale();
    std::vector<float> inputs; // mean magnitudes 1, 1, 4: r = 1/2 gives factors in the ratio 1 : 2
    for (int t = 0; t < 4; ++t)
        for (const float x : {t & 1 ? 1.0F : -1.0F, t & 2 ? 1.0F : -1.0F, t & 1 ? -4.0F : 4.0F}) inputs.push_back(x);
    const InputStatistics seen = statisticsOf(inputs, 3);
    QuantInput input = inputOf(makeTensor(Shape{1, 3}, std::vector<float>{0, 15, 3.4F}));
    input.calibration = &seen;
    TestRun run;
    const auto parameters = parametersFor(*method, {{"bits", "4"}, {"ratios", "2"}, {"scale", "f32"}}); // r = 0 or 1/2
    const auto transform = method->transform(input, parameters, 0, run.context);
    REQUIRE(transform);
    REQUIRE(transform->factors.size() == 3);
    CHECK(transform->factors[2] / transform->factors[1] == Approx(2).epsilon(1e-3));
}

TEST_CASE("AWQ takes the power that brute force finds, and never does worse than rounding alone") {
    constexpr std::int64_t kColumns = 32, kRows = 12;
    const auto method = makeAwqScale();
    const auto inputs = unevenInputs(50, kColumns);
    const InputStatistics seen = statisticsOf(inputs, kColumns);
    const auto weight = normalValues(kRows * kColumns, 3, 0.1F);
    QuantInput input = inputOf(makeTensor({kRows, kColumns}, weight));
    input.calibration = &seen;
    input.subject.commonName = "model.layers.0.mlp.gate_proj.weight";
    TestRun run;
    const auto transform = method->transform(
        input, parametersFor(*method, {{"bits", "3"}, {"group", "16"}, {"scale", "f32"}}), 0, run.context);
    REQUIRE(transform);
    CHECK(transform->factorBits == 0); // behind a norm
    double least = INFINITY, plain = 0;
    std::vector<double> best;
    for (int n = 0; n < 20; ++n) {
        std::vector<double> factors(kColumns, 0.0);
        for (std::size_t i = 0; i < inputs.size(); ++i)
            factors[i % kColumns] += std::abs(static_cast<double>(inputs[i])) / 50;
        for (double& f : factors) f = std::pow(f, n / 20.0);
        const auto [low, high] = std::ranges::minmax(factors);
        const double middle = std::sqrt(low * high);
        for (double& f : factors) f /= middle;
        std::vector<float> result = weight;
        for (std::size_t i = 0; i < result.size(); ++i)
            result[i] = static_cast<float>(static_cast<double>(result[i]) * factors[i % kColumns]);
        std::vector<float> all;
        for (std::size_t row = 0; row < result.size(); row += kColumns) {
            const auto one = rounded({result.begin() + static_cast<std::ptrdiff_t>(row),
                                      result.begin() + static_cast<std::ptrdiff_t>(row + kColumns)},
                                     3, 16);
            all.insert(all.end(), one.begin(), one.end());
        }
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = static_cast<float>(static_cast<double>(all[i]) / factors[i % kColumns]);
        const double error = outputError(all, weight, inputs, kColumns);
        if (n == 0) plain = error;
        if (error < least) {
            least = error;
            best = factors;
        }
    }
    CHECK(least < 0.5 * plain); // the problem is one that scaling helps
    for (std::size_t c = 0; c < best.size(); ++c)
        CHECK(static_cast<double>(transform->factors[c]) == Approx(best[c]).epsilon(1e-4));

    const auto rtn = makeRoundToNearest();
    const auto chain = Pipeline::of({method.get(), rtn.get()});
    REQUIRE(chain);
    const auto parameters = parametersFor(**chain, {{"awq.bits", "3"},
                                                    {"awq.group", "16"},
                                                    {"rtn.bits", "3"},
                                                    {"rtn.group", "16"},
                                                    {"rtn.symmetric", "false"},
                                                    {"rtn.scale", "f16"}});
    const auto result = (*chain)->quantize(input, parameters, 0, run.context);
    REQUIRE(result);
    std::vector<float> values(weight.size());
    REQUIRE(dequantize(*result, 0, values));
    CHECK(outputError(values, weight, inputs, kColumns) == Approx(least).epsilon(0.05)); // scales in half precision
    CHECK(storedBits(*result) == kRows * kColumns * 3 + kRows * 2 * (16 + 3));           // factors are folded away
}

TEST_CASE("AWQ gives weights that share inputs the same factors, on any number of threads") {
    const auto method = makeAwqScale();
    const auto inputs = unevenInputs(40, 64);
    const InputStatistics seen = statisticsOf(inputs, 64);
    const std::vector<TensorView> sharing{makeTensor({200, 64}, normalValues(200 * 64, 1)),
                                          makeTensor({30, 64}, normalValues(30 * 64, 2, 3))};
    std::vector<std::vector<float>> found;
    for (const int threads : {1, 2})
        for (const TensorView& weight : sharing) {
            const ThreadLimit limit(threads);
            QuantInput input = inputOf(weight);
            input.calibration = &seen;
            input.sharing = sharing;
            TestRun run;
            const auto transform = method->transform(input, parametersFor(*method, {{"bits", "3"}}), 0, run.context);
            REQUIRE(transform);
            CHECK(transform->factorBits == 16); // nobody says what comes before
            for (const float factor : transform->factors)
                CHECK(roundedTo(ScaleType::F16, 1 / factor) == Approx(1 / factor).epsilon(1e-6));
            found.push_back(transform->factors);
        }
    for (const auto& factors : found) CHECK(factors == found.front());
}

TEST_CASE("AWQ leaves the output projection alone where heads share keys and values") {
    const auto method = makeAwqScale();
    const auto inputs = unevenInputs(40, 16);
    const InputStatistics seen = statisticsOf(inputs, 16);
    QuantInput input = inputOf(makeTensor({8, 16}, normalValues(128, 1)));
    input.calibration = &seen;
    input.subject.commonName = "model.layers.0.self_attn.o_proj.weight";
    TestRun run;
    for (const int kvHeads : {2, 4}) {
        input.subject.model.heads = 4;
        input.subject.model.kvHeads = kvHeads;
        const auto transform = method->transform(input, parametersFor(*method, {{"bits", "3"}}), 0, run.context);
        REQUIRE(transform);
        CHECK(transform->factors.empty() == (kvHeads == 2));
    }
}

TEST_CASE("AWQ clip takes the range of each group that brute force finds") {
    constexpr std::size_t kColumns = 32, kGroup = 16, kRows = 6;
    const auto method = makeAwqClip();
    const auto inputs = unevenInputs(50, kColumns);
    const InputStatistics seen = statisticsOf(inputs, kColumns);
    auto weight = normalValues(kRows * kColumns, 5, 0.1F);
    for (std::size_t i = 0; i < weight.size(); i += 13) weight[i] *= 4; // something to cut
    QuantInput input = inputOf(makeTensor({kRows, kColumns}, weight));
    input.calibration = &seen;
    input.subject.commonName = "model.layers.0.mlp.gate_proj.weight";
    TestRun run;
    const auto parameters = parametersFor(*method, {{"bits", "3"}, {"group", "16"}, {"scale", "f32"}});
    const auto result = method->quantize(input, parameters, 0, run.context);
    REQUIRE(result);
    CHECK(storedBits(*result) == kRows * kColumns * 3 + kRows * 2 * (32 + 3));
    std::vector<float> values(weight.size());
    REQUIRE(dequantize(*result, 0, values));
    int cut = 0;
    for (std::size_t first = 0; first < weight.size(); first += kGroup) {
        const std::vector<float> own(weight.begin() + static_cast<std::ptrdiff_t>(first),
                                     weight.begin() + static_cast<std::ptrdiff_t>(first + kGroup));
        const auto errorOf = [&](std::span<const float> candidate) {
            double sum = 0;
            for (std::size_t token = 0; token < inputs.size(); token += kColumns) {
                double off = 0;
                for (std::size_t c = 0; c < kGroup; ++c)
                    off += (static_cast<double>(candidate[c]) - static_cast<double>(own[c])) *
                           static_cast<double>(inputs[token + first % kColumns + c]);
                sum += off * off;
            }
            return sum;
        };
        float peak = 0;
        for (const float w : own) peak = std::max(peak, std::abs(w));
        double least = INFINITY, plain = 0;
        for (int k = 0; k < 10; ++k) {
            std::vector<float> clipped = own;
            for (float& w : clipped)
                w = std::clamp(w, -peak * (1 - static_cast<float>(k) / 20), peak * (1 - static_cast<float>(k) / 20));
            const double error = errorOf(rounded(clipped, 3, kGroup));
            if (k == 0) plain = error;
            least = std::min(least, error);
        }
        CHECK(errorOf(std::span(values).subspan(first, kGroup)) == Approx(least).epsilon(1e-3));
        cut += least < plain ? 1 : 0;
    }
    CHECK(cut > 3);

    input.subject.commonName = "model.layers.0.self_attn.k_proj.weight"; // never cut
    const auto keys = method->quantize(input, parameters, 0, run.context);
    const auto rtn = makeRoundToNearest();
    const auto plain = rtn->quantize(
        input, parametersFor(*rtn, {{"bits", "3"}, {"group", "16"}, {"symmetric", "false"}}), 0, run.context);
    REQUIRE(keys);
    REQUIRE(plain);
    CHECK(std::get<GridCodes>(keys->codes).values.codes == std::get<GridCodes>(plain->codes).values.codes);
}

TEST_CASE("AWQ clip leaves the error over ranges, of which the first is rounding alone, and the one it reached") {
    constexpr std::size_t channels = 16, tokens = 40;
    const auto inputs = unevenInputs(tokens, channels);
    const auto weight = normalValues(6 * channels, 11);
    const InputStatistics seen = statisticsOf(inputs, channels);
    const auto method = makeAwqClip();
    QuantInput input = inputOf(makeTensor({6, channels}, weight));
    input.calibration = &seen;
    std::vector<Trace> traces;
    input.traces = &traces;
    TestRun run;
    const auto spec = parseMethodSpec("awq_clip:bits=3,group=16,symmetric=false,scale=f32,shrink=0.5,steps=20");
    REQUIRE(spec);
    const auto result = method->quantize(input, *resolveParameters(method->info().parameters, *spec), 0, run.context);
    REQUIRE(result);
    REQUIRE(traces.size() == 3);
    REQUIRE(traces[0].x.size() == 10);
    CHECK(traces[0].x.back() == Approx(0.55));
    CHECK(traces[0].y[0] * tokens ==
          Approx(outputError(rounded(weight, 3, 16), weight, inputs, channels)).epsilon(1e-3));
    std::vector<float> values(weight.size());
    REQUIRE(dequantize(*result, 0, values));
    CHECK(traces[1].y[0] * tokens == Approx(outputError(values, weight, inputs, channels)).epsilon(1e-3));
    double groups = 0;
    for (const double count : traces[2].y) groups += count;
    CHECK(groups == 6);
}

TEST_CASE("AWQ says what it lacks") {
    const auto scale = makeAwqScale(), clip = makeAwqClip();
    TestRun run;
    const QuantInput input = inputOf(makeTensor({2, 96}, std::vector<float>(192, 1.0F)));
    for (const QuantMethod* method : {scale.get(), clip.get()}) {
        const auto refused = method->outline(input.subject, parametersFor(*method, {{"group", "64"}}));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message == "group 64 does not divide 96 columns");
    }
    const auto unseen = scale->transform(input, parametersFor(*scale, {{"group", "32"}}), 0, run.context);
    REQUIRE_FALSE(unseen);
    CHECK(unseen.error().code == ErrorCode::Unsupported);
    CHECK(clip->quantize(input, parametersFor(*clip, {{"group", "32"}}), 0, run.context).error().code ==
          ErrorCode::Unsupported);
}
