// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"
#include "engine/nn/graph/builder.h"
#include "engine/nn/graph/execution.h"
#include "engine/nn/taps/input_recorder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/watchers.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <set>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;

namespace {

std::vector<float> randomValues(std::size_t count, std::uint64_t seed) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(uniform(seed, 0, i) - 0.5);
    return values;
}

/// Weights of any names: identity matrices of this size.
struct Identities : WeightSource {
    explicit Identities(std::int64_t channels)
        : size(channels) {}
    Result<Value> weight(std::string_view, Precision) const override {
        std::vector<float> values(static_cast<std::size_t>(size * size));
        for (std::int64_t i = 0; i < size; ++i) values[static_cast<std::size_t>(i * size + i)] = 1;
        return makeValue<float>({size, size}, std::move(values));
    }
    std::int64_t size;
};

/// x into "a" and "b", a's output into "c".
std::shared_ptr<const Graph> threeLayers() {
    GraphBuilder builder;
    const ValueId x = builder.input("x");
    const ValueId a = builder.add("Linear", "a", {x, builder.weight("a.weight")});
    builder.output(builder.add("Linear", "b", {x, builder.weight("b.weight")}));
    builder.output(builder.add("Linear", "c", {a, builder.weight("c.weight")}));
    return builder.finish().value();
}

std::vector<float> listOf(const Value& value) {
    const auto found = elements<float>(value);
    return {found.begin(), found.end()};
}

} // namespace

TEST_CASE("Second moments are the sum of the outer products of all rows") {
    constexpr std::int64_t kChannels = 200; // more than one tile
    const auto rows = randomValues(300 * kChannels, 1);
    test::TestRun run;
    SecondMoments moments(kChannels);
    REQUIRE(moments.add(std::span(rows).first(70 * kChannels), run.context));
    REQUIRE(moments.add(std::span(rows).subspan(70 * kChannels), run.context));
    const auto found = moments.take();
    REQUIRE(found.size() == kChannels * kChannels);
    double worst = 0;
    for (std::size_t i = 0; i < kChannels; ++i)
        for (std::size_t j = 0; j < kChannels; ++j) {
            double sum = 0, size = 0;
            for (std::size_t row = 0; row < 300; ++row) {
                const double product =
                    static_cast<double>(rows[row * kChannels + i]) * static_cast<double>(rows[row * kChannels + j]);
                sum += product;
                size += std::abs(product);
            }
            worst = std::max(worst, std::abs(found[i * kChannels + j] - sum) / size);
            CHECK(found[i * kChannels + j] == found[j * kChannels + i]);
        }
    CHECK(worst < 256 * 6e-8); // products of up to 256 rows are summed in single precision
}

TEST_CASE("Cross moments are the sum of the outer products of two lists of rows") {
    constexpr std::size_t kChannels = 150; // more than one tile
    const auto y = randomValues(300 * kChannels, 2), x = randomValues(300 * kChannels, 3);
    test::TestRun run;
    CrossMoments moments(kChannels);
    REQUIRE(moments.add(std::span(y).first(10 * kChannels), std::span(x).first(10 * kChannels), run.context));
    REQUIRE(moments.add(std::span(y).subspan(10 * kChannels), std::span(x).subspan(10 * kChannels), run.context));
    const auto found = moments.take();
    REQUIRE(found.size() == kChannels * kChannels);
    double worst = 0;
    for (std::size_t i = 0; i < kChannels; ++i)
        for (std::size_t j = 0; j < kChannels; ++j) {
            double sum = 0, size = 0;
            for (std::size_t row = 0; row < 300; ++row) {
                const double product = static_cast<double>(y[row * kChannels + i]) * static_cast<double>(x[row * kChannels + j]);
                sum += product;
                size += std::abs(product);
            }
            worst = std::max(worst, std::abs(found[i * kChannels + j] - sum) / size);
        }
    CHECK(worst < 256 * 6e-8);
}

TEST_CASE("The recorder sees what enters each linear layer, and changes nothing") {
    const auto graph = threeLayers();
    const Identities weights(3);
    test::TestRun run;
    RecordingSettings settings;
    settings.secondMoments = [](std::string_view name) { return name == "b.weight"; };
    InputRecorder recorder(*graph, settings, run.context);
    const std::vector<std::vector<float>> batches{{1, 0, -2, 3, 0, 4}, {-5, 0, 1}};
    for (const auto& batch : batches) {
        const auto rows = static_cast<std::int64_t>(batch.size() / 3);
        const auto outputs = runGraph(*graph, std::vector{makeValue<float>({1, rows, 3}, batch)}, weights, run.context,
                                      {Precision::Single, &recorder});
        REQUIRE(outputs);
        CHECK(listOf((*outputs)[0]) == batch);
    }
    const auto seen = recorder.take();
    REQUIRE(seen.size() == 3);
    CHECK(seen.at("a.weight") == seen.at("b.weight")); // one edge, recorded once
    CHECK(seen.at("a.weight") != seen.at("c.weight"));
    const InputStatistics& x = *seen.at("b.weight");
    CHECK(x.channels == 3);
    CHECK(x.tokens == 3);
    CHECK(x.channelMax == std::vector<float>{5, 0, 4});
    Calibration calibration;
    calibration.inputs = seen;
    const auto tensor = staticRanges(calibration, ActivationScope::Tensor).at("a.weight");
    CHECK(tensor.low == std::vector<float>{-5});
    CHECK(tensor.high == std::vector<float>{4});
    const auto channels = staticRanges(calibration, ActivationScope::Channel).at("a.weight");
    CHECK(channels.low == std::vector<float>{-5, 0, -2});
    CHECK(channels.high == std::vector<float>{3, 0, 4});
    CHECK(staticRanges(calibration, ActivationScope::Token).empty());
    CHECK(x.means == std::vector<float>{-1.0F / 3, 0, 1});
    CHECK(x.meanSquares == std::vector<float>{35.0F / 3, 0, 7});
    CHECK(x.tokenMax == std::vector<float>{2, 4, 5});
    CHECK(x.silentChannels() == 1);
    CHECK(x.secondMoments == std::vector<double>{35, 0, 5, 0, 0, 0, 5, 0, 21});
    CHECK(x.samples == std::vector<float>{1, 0, -2, 3, 0, 4, -5, 0, 1});
    CHECK(x.histogram.edges.front() == -5);
    CHECK(x.histogram.edges.back() == 4);
    CHECK(seen.at("c.weight")->secondMoments.empty());
}

TEST_CASE("Samples are rows that were there, each at most once, and the same every time") {
    const auto graph = threeLayers();
    const Identities weights(2);
    test::TestRun run;
    const auto sampled = [&] {
        RecordingSettings settings;
        settings.samples = 16;
        InputRecorder recorder(*graph, settings, run.context);
        for (int batch = 0; batch < 10; ++batch) {
            std::vector<float> rows;
            for (int row = 0; row < 20; ++row) rows.insert(rows.end(), {static_cast<float>(20 * batch + row), 1});
            REQUIRE(runGraph(*graph, std::vector{makeValue<float>({20, 2}, rows)}, weights, run.context,
                             {Precision::Single, &recorder}));
        }
        return recorder.take().at("a.weight")->samples;
    };
    const auto samples = sampled();
    REQUIRE(samples.size() == 32);
    std::set<float> distinct;
    for (std::size_t i = 0; i < samples.size(); i += 2) {
        distinct.insert(samples[i]);
        CHECK(samples[i + 1] == 1);
    }
    CHECK(distinct.size() == 16);
    CHECK(*distinct.rbegin() >= 100); // later tokens have their chance
    CHECK(*distinct.rbegin() < 200);
    CHECK(sampled() == samples);
}

TEST_CASE("The recorder refuses NaN, and second moments beyond its memory") {
    const auto graph = threeLayers();
    const Identities weights(2);
    test::TestRun run;
    InputRecorder recorder(*graph, {}, run.context);
    const auto bad = runGraph(*graph, std::vector{makeValue<float>({1, 2}, {1, NAN})}, weights, run.context,
                              {Precision::Single, &recorder});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == ErrorCode::Malformed);
    RecordingSettings settings;
    settings.secondMoments = [](std::string_view) { return true; };
    settings.momentBytes = 40; // one matrix of 2 x 2, not two
    InputRecorder small(*graph, settings, run.context);
    const auto large = runGraph(*graph, std::vector{makeValue<float>({1, 2}, {1, 2})}, weights, run.context,
                                {Precision::Single, &small});
    REQUIRE_FALSE(large);
    CHECK(large.error().code == ErrorCode::OutOfMemory);
}

TEST_CASE("Activations round as the definition of the uniform grid says, for every scope") {
    constexpr std::size_t kRows = 6, kColumns = 10;
    const auto given = randomValues(kRows * kColumns, 7);
    for (const bool symmetric : {true, false})
        for (const int bits : {2, 4, 8, 16})
            for (const auto scope :
                 {ActivationScope::Tensor, ActivationScope::Token, ActivationScope::Channel, ActivationScope::Group}) {
                CAPTURE(symmetric, bits, static_cast<int>(scope));
                const ActivationGrid grid{bits, symmetric, scope, 4};
                auto rounded = given;
                roundActivations(rounded, kColumns, grid, nullptr);
                const auto groupOf = [&](std::size_t i) -> std::size_t {
                    const std::size_t row = i / kColumns, column = i % kColumns;
                    switch (scope) {
                    case ActivationScope::Tensor: return 0;
                    case ActivationScope::Token: return row;
                    case ActivationScope::Channel: return column;
                    case ActivationScope::Group: return row * 3 + column / 4;
                    }
                    return 0;
                };
                for (std::size_t i = 0; i < given.size(); ++i) {
                    double low = 0, high = 0;
                    for (std::size_t j = 0; j < given.size(); ++j)
                        if (groupOf(j) == groupOf(i)) {
                            low = std::min(low, static_cast<double>(given[j]));
                            high = std::max(high, static_cast<double>(given[j]));
                        }
                    const double step = symmetric ? std::max(high, -low) / (std::pow(2, bits - 1) - 1)
                                                  : (high - low) / (std::pow(2, bits) - 1);
                    CHECK(std::abs(static_cast<double>(rounded[i]) - static_cast<double>(given[i])) <=
                          step * 0.5001 + 1e-6);
                    const double code = static_cast<double>(rounded[i]) / step; // whole: zero points are whole too
                    CHECK(std::abs(code - std::round(code)) < 1e-2);
                }
            }
}

TEST_CASE("Static ranges clip what lies outside them") {
    std::vector<float> values{-3, 0.5F, 3, 0.2F};
    const ActivationRange tensor{{-1}, {1}};
    roundActivations(values, 2, {2, true, ActivationScope::Tensor, 0}, &tensor);
    CHECK(values == std::vector<float>{-1, 0, 1, 0}); // 0.5 is a tie, and goes to even
    values = {-3, 8, 3, 0.2F};
    const ActivationRange channels{{-1, 0}, {1, 4}};
    roundActivations(values, 2, {2, true, ActivationScope::Channel, 0}, &channels);
    CHECK(values == std::vector<float>{-1, 4, 1, 0});
}

TEST_CASE("Linear layers see quantized inputs, and the edges stay what they are") {
    const auto graph = threeLayers();
    const Identities weights(2);
    test::TestRun run;
    ActivationQuantization what;
    what.linearInputs = true;
    what.inputGrid = {2, true, ActivationScope::Token, 0};
    QuantizeActivations quantizer(*graph, what);
    EdgeCapture capture(*graph, {graph->inputs[0]});
    ObserverChain both({&quantizer, nullptr, &capture});
    const std::vector given{makeValue<float>({2, 2}, {1, 0.4F, -6, 4})};
    const auto outputs = runGraph(*graph, given, weights, run.context, {Precision::Single, &both});
    REQUIRE(outputs);
    CHECK(listOf((*outputs)[0]) == std::vector<float>{1, 0, -6, 6}); // steps of 1 and 6
    const auto kept = capture.take(graph->inputs[0]);
    REQUIRE(kept);
    CHECK(listOf(*kept) == listOf(given[0]));
    CHECK_FALSE(capture.take(graph->inputs[0]));

    what.inputGrid.scope = ActivationScope::Channel;
    what.ranges["b.weight"] = {{-1}, {1}}; // one entry for two channels
    QuantizeActivations wrong(*graph, what);
    const auto refused = runGraph(*graph, given, weights, run.context, {Precision::Single, &wrong});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::OutOfRange);
}
