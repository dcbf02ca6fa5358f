// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/propagate.h"

#include "engine/plan/language_text.h"
#include "engine/plan/place_error.h"
#include "engine/plan/substituted_weights.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// The edge's values after a run that keeps everything, in double.
std::vector<double> edgeOf(const Model& model, const nn::WeightSource& weights, std::span<const std::int32_t> tokens,
                           const std::string& name, const RunContext& context) {
    nn::Execution execution(*model.graph, weights, context);
    execution.keepAll();
    REQUIRE(setTokens(execution, *model.graph, tokens, 1));
    REQUIRE(execution.run());
    const nn::Value* value = execution.find(model.graph->find(name).value());
    REQUIRE(value);
    const auto found = nn::elements<float>(*value);
    return {found.begin(), found.end()};
}

} // namespace

TEST_CASE("A place's error, shape and worst channels are those of the definitions") {
    const std::vector<float> reference{1, -2, 3, 4, 0, 5};
    const std::vector<float> result{1, -1, 3, 4, 2, 5.5F};
    test::TestRun run;
    PropagatedPlace place;
    REQUIRE(measurePlace(place, reference, result, 3, run.context));
    CHECK(place.metrics.relativeMse == Approx(5.25 / 55));
    CHECK(place.tokenError[0] == Approx(1.0 / 14));
    CHECK(place.tokenError[1] == Approx(4.25 / 41));
    CHECK(place.worst[0].channel == 1);
    CHECK(place.worst[0].share == 1);
    CHECK(place.worst[kWorstChannels].channel == 1);
    CHECK(place.worst[kWorstChannels].share == Approx(4 / 4.25));
    CHECK(place.worst[kWorstChannels + 1].channel == 2);
    double mean = 0, second = 0, fourth = 0, magnitude = 0;
    for (const float x : result) mean += static_cast<double>(x) / 6;
    for (const float x : result) {
        second += std::pow(static_cast<double>(x) - mean, 2) / 6;
        fourth += std::pow(static_cast<double>(x) - mean, 4) / 6;
        magnitude += std::abs(static_cast<double>(x)) / 6;
    }
    CHECK(place.kurtosis == Approx(fourth / (second * second)));
    CHECK(place.maxToMean == Approx(5.5 / magnitude));
    CHECK(place.referenceMaxToMean == Approx(5 / 2.5));
    CHECK_FALSE(measurePlace(place, reference, std::span(result).first(3), 3, run.context));
}

TEST_CASE("Error propagation finds what two separate runs differ by") {
    test::SampleModel sample;
    const auto quantized = sample.ran(sample.plan({"rtn:bits=8,group=64", "rtn:bits=3,group=64"}));
    const std::vector<const MethodResult*> methods{&quantized->methods[0], &quantized->methods[1]};
    PropagationSettings settings;
    settings.text = sample.page;
    settings.tokens = 48;
    const auto report = propagate(sample.model, settings, methods, sample.run.context);
    REQUIRE(report);
    CHECK(sample.run.progress.done == sample.run.progress.total);
    REQUIRE((*report)->tokens.size() == 48);
    REQUIRE((*report)->methods.size() == 2);
    for (const auto& method : (*report)->methods) {
        REQUIRE(method.layers.size() == 6);
        for (int i = 0; i < 6; ++i) {
            const auto& layer = method.layers[static_cast<std::size_t>(i)];
            CHECK(layer.layer == i);
            CHECK(layer.name == fmt::format("model.layers.{}", i));
            CHECK(layer.tokenError.size() == 48);
        }
        const auto hasPart = [&](const std::string& name) {
            return std::ranges::any_of(method.parts, [&](const auto& part) { return part.name == name; });
        };
        CHECK(hasPart("model.layers.5.self_attn"));
        CHECK(hasPart("model.layers.0.mlp"));
    }
    const auto& fine = (*report)->methods[0];
    const auto& coarse = (*report)->methods[1];
    CHECK(fine.layers[5].metrics.relativeMse < 1e-3);
    CHECK(coarse.layers[5].metrics.relativeMse > 10 * fine.layers[5].metrics.relativeMse);
    CHECK(coarse.logits.klDivergence > 10 * fine.logits.klDivergence);

    const SubstitutedWeights weights(sample.model, *methods[1], sample.run.context);
    for (const std::string name : {"model.layers.2.output", "logits"}) {
        CAPTURE(name);
        const auto a = edgeOf(sample.model, *sample.model.weights, (*report)->tokens, name, sample.run.context);
        const auto b = edgeOf(sample.model, weights, (*report)->tokens, name, sample.run.context);
        double difference = 0, size = 0, product = 0, other = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            difference += (a[i] - b[i]) * (a[i] - b[i]);
            size += a[i] * a[i];
            product += a[i] * b[i];
            other += b[i] * b[i];
        }
        const bool logits = name == "logits";
        CHECK((logits ? coarse.logits.relativeMse : coarse.layers[2].metrics.relativeMse) ==
              Approx(difference / size).epsilon(1e-6));
        CHECK((logits ? coarse.logits.cosine : coarse.layers[2].metrics.cosine) ==
              Approx(product / std::sqrt(size * other)).epsilon(1e-6));
    }
}

TEST_CASE("Attribution finds the one layer that is quantized") {
    test::SampleModel sample;
    const auto quantized = sample.ran(sample.plan({"rtn:bits=3,group=64"}, {"*.layers.2.*proj*"}));
    const std::vector<const MethodResult*> methods{&quantized->methods[0]};
    PropagationSettings settings;
    settings.text = sample.page;
    settings.tokens = 16;
    settings.attribution = true;
    const auto report = propagate(sample.model, settings, methods, sample.run.context);
    REQUIRE(report);
    const auto& method = (*report)->methods[0];
    CHECK(sample.run.progress.done == sample.run.progress.total);
    REQUIRE(method.attribution.size() == 6);
    CHECK(method.outside.klDivergence == 0);
    for (const auto& effect : method.attribution) {
        CAPTURE(effect.layer);
        const double whole = method.logits.klDivergence;
        CHECK(effect.alone.klDivergence == (effect.layer == 2 ? whole : 0));
        CHECK(effect.upTo.klDivergence == (effect.layer >= 2 ? whole : 0));
        CHECK(effect.without.klDivergence == (effect.layer == 2 ? 0 : whole));
        CHECK(effect.alone.relativeMse == (effect.layer == 2 ? method.logits.relativeMse : 0));
    }
    // Nothing is wrong before the layer, and everything after it.
    CHECK(method.layers[1].metrics.relativeMse == 0);
    CHECK(method.layers[2].metrics.relativeMse > 0);
}

TEST_CASE("A propagation of no token, or of too many, is refused") {
    test::SampleModel sample;
    PropagationSettings settings;
    settings.text = sample.page;
    settings.tokens = 0;
    CHECK(propagate(sample.model, settings, {}, sample.run.context).error().code == ErrorCode::OutOfRange);
    settings.tokens = 1 << 20;
    CHECK(propagate(sample.model, settings, {}, sample.run.context).error().code == ErrorCode::OutOfRange);
}
