// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/evaluate.h"

#include "engine/core/atomic_file.h"
#include "engine/core/json.h"
#include "engine/core/random.h"
#include "engine/nn/graph/builder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/watchers.h"
#include "engine/plan/substituted_weights.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

constexpr std::int64_t kWidth = 3, kVocabulary = 5;

/// Logits that depend on the last token alone: head times its row of the embedding.
std::shared_ptr<const nn::Graph> bigramGraph() {
    nn::GraphBuilder builder;
    const nn::ValueId tokens = builder.input("tokens");
    (void)builder.input("positions");
    const nn::ValueId row =
        builder.add("Gather", "embed", {builder.weight("embed.weight"), tokens}, {{"axis", std::int64_t{0}}});
    const nn::ValueId logits = builder.add("Linear", "head", {row, builder.weight("head.weight")});
    builder.rename(logits, "logits");
    builder.output(logits);
    return builder.finish().value();
}

/// Random weights of the bigram model, times a factor.
struct BigramWeights : nn::WeightSource {
    explicit BigramWeights(double times = 1)
        : factor(times) {}
    double at(std::uint64_t stream, std::int64_t row, std::int64_t column) const {
        return static_cast<double>(static_cast<float>(
            factor * (4 * uniform(3, stream, static_cast<std::uint64_t>(row * kWidth + column)) - 2)));
    }
    Result<nn::Value> weight(std::string_view name, Precision) const override {
        std::vector<float> values;
        for (std::int64_t row = 0; row < kVocabulary; ++row)
            for (std::int64_t column = 0; column < kWidth; ++column)
                values.push_back(static_cast<float>(at(name == "head.weight" ? 1 : 0, row, column)));
        return nn::makeValue<float>({kVocabulary, kWidth}, std::move(values));
    }
    /// log p(next | token), from the definition.
    std::vector<double> logProbabilities(std::int32_t token) const {
        std::vector<double> logits;
        double sum = 0;
        for (std::int64_t next = 0; next < kVocabulary; ++next) {
            double logit = 0;
            for (std::int64_t c = 0; c < kWidth; ++c) logit += at(1, next, c) * at(0, token, c);
            logits.push_back(logit);
            sum += std::exp(logit);
        }
        for (double& logit : logits) logit -= std::log(sum);
        return logits;
    }
    double factor;
};

} // namespace

TEST_CASE("A text is cut into windows by either convention") {
    const auto firsts = [](const std::vector<TextWindow>& windows) {
        std::vector<std::vector<std::int64_t>> list;
        for (const auto& window : windows) list.push_back({window.first, window.length, window.scoredFrom});
        return list;
    };
    using List = std::vector<std::vector<std::int64_t>>;
    EvaluationSettings settings;
    CHECK(firsts(cutWindows(10, 4, settings)) == List{{0, 4, 1}, {4, 4, 1}, {8, 2, 1}});
    CHECK(firsts(cutWindows(9, 4, settings)) == List{{0, 4, 1}, {4, 4, 1}}); // a window of one token scores nothing
    settings.tokens = 4;
    CHECK(firsts(cutWindows(100, 4, settings)) == List{{0, 4, 1}, {4, 4, 1}});
    settings = {};
    settings.scoring = Scoring::SecondHalf;
    CHECK(firsts(cutWindows(11, 4, settings)) == List{{0, 4, 3}, {4, 4, 3}});
    CHECK(cutWindows(3, 4, settings).empty());
}

TEST_CASE("Perplexity, divergence and agreement of a small model are those of the definition") {
    const auto graph = bigramGraph();
    const BigramWeights reference, other(1.5);
    const std::vector<std::int32_t> tokens{0, 3, 2, 2, 4, 1, 0, 1, 3, 4, 2};
    test::TestRun run;
    for (const Scoring scoring : {Scoring::Windows, Scoring::SecondHalf})
        for (const std::int64_t batch : {1, 2, 3}) {
            CAPTURE(static_cast<int>(scoring), batch);
            EvaluationSettings settings;
            settings.scoring = scoring;
            const auto windows = cutWindows(static_cast<std::int64_t>(tokens.size()), 4, settings);
            const std::vector<ModelVariant> variants{{&other, nullptr}, {&reference, nullptr}};
            const auto qualities =
                evaluateTokens(*graph, reference, variants, {tokens, windows, batch, -1}, run.context);
            REQUIRE(qualities);
            double loss = 0, otherLoss = 0, divergence = 0;
            std::int64_t scored = 0, agreeing = 0;
            for (const auto& window : windows)
                for (std::int64_t j = window.scoredFrom; j < window.length; ++j) {
                    const auto at = static_cast<std::size_t>(window.first + j);
                    const auto p = reference.logProbabilities(tokens[at - 1]);
                    const auto q = other.logProbabilities(tokens[at - 1]);
                    const auto token = static_cast<std::size_t>(tokens[at]);
                    loss -= p[token];
                    otherLoss -= q[token];
                    for (std::size_t i = 0; i < p.size(); ++i) divergence += std::exp(p[i]) * (p[i] - q[i]);
                    agreeing +=
                        std::ranges::max_element(p) - p.begin() == std::ranges::max_element(q) - q.begin() ? 1 : 0;
                    ++scored;
                    CHECK((*qualities)[0].loss[at] == Approx(-p[token]).epsilon(1e-5));
                    CHECK((*qualities)[1].loss[at] == Approx(-q[token]).epsilon(1e-5));
                }
            const auto n = static_cast<double>(scored);
            CHECK((*qualities)[0].tokens == scored);
            CHECK((*qualities)[0].nll == Approx(loss / n).epsilon(1e-6));
            CHECK((*qualities)[0].perplexity == Approx(std::exp(loss / n)).epsilon(1e-6));
            CHECK((*qualities)[1].nll == Approx(otherLoss / n).epsilon(1e-6));
            CHECK((*qualities)[1].klDivergence == Approx(divergence / n).epsilon(1e-5));
            CHECK((*qualities)[1].top1Agreement == static_cast<double>(agreeing) / n);
            CHECK(std::isnan((*qualities)[0].loss[0]));
            // The model against itself.
            CHECK((*qualities)[2].klDivergence == 0);
            CHECK((*qualities)[2].top1Agreement == 1);
            CHECK((*qualities)[2].nll == (*qualities)[0].nll);
            CHECK(run.progress.done == run.progress.total);
        }
}

TEST_CASE("A begin token stands in for the first token of each window") {
    const auto graph = bigramGraph();
    const BigramWeights weights;
    const std::vector<std::int32_t> tokens{1, 2, 3, 4};
    const std::vector<TextWindow> windows{{0, 2, 1}, {2, 2, 1}};
    test::TestRun run;
    const auto qualities = evaluateTokens(*graph, weights, {}, {tokens, windows, 2, 0}, run.context);
    REQUIRE(qualities);
    const auto p = weights.logProbabilities(0);
    CHECK((*qualities)[0].nll == Approx(-(p[2] + p[4]) / 2).epsilon(1e-6));
}

TEST_CASE("A token outside the vocabulary, no window, and a cancelled run are errors") {
    const auto graph = bigramGraph();
    const BigramWeights weights;
    const std::vector<std::int32_t> tokens{1, 7};
    const std::vector<TextWindow> windows{{0, 2, 1}};
    test::TestRun run;
    CHECK(evaluateTokens(*graph, weights, {}, {tokens, windows, 1, -1}, run.context).error().code ==
          ErrorCode::OutOfRange);
    CHECK(evaluateTokens(*graph, weights, {}, {tokens, {}, 1, -1}, run.context).error().code == ErrorCode::Malformed);
    run.stop.request_stop();
    CHECK(evaluateTokens(*graph, weights, {}, {tokens, windows, 1, -1}, run.context).error().code ==
          ErrorCode::Cancelled);
}

TEST_CASE("Texts with nothing to score and windows beyond the model are refused") {
    test::SampleModel sample;
    test::TemporaryFolder folder;
    const auto codeFor = [&](const std::string& text, std::int64_t context) {
        const std::string path = folder / "text.txt";
        REQUIRE(writeFileAtomically(path, text));
        EvaluationSettings settings;
        settings.text = path;
        settings.context = context;
        const auto outcome = evaluate(sample.model, settings, {}, sample.run.context);
        REQUIRE_FALSE(outcome);
        INFO(describe(outcome.error()));
        CHECK(describe(outcome.error()).find('\n') == std::string::npos);
        return outcome.error().code;
    };
    CHECK(codeFor("", 0) == ErrorCode::Malformed);
    CHECK(codeFor("a", 0) == ErrorCode::Malformed);
    CHECK(codeFor("\xFF\xFE", 0) == ErrorCode::Malformed);
    CHECK(codeFor("Long enough a text.", 257) == ErrorCode::OutOfRange);
    CHECK(codeFor("Long enough a text.", 1) == ErrorCode::OutOfRange);
    CHECK(evaluate(sample.model, {folder / "none.txt"}, {}, sample.run.context).error().code == ErrorCode::Io);
}

TEST_CASE("A plan measures its methods on a text: more bits, less divergence") {
    test::SampleModel sample;
    engine::Plan plan = sample.plan({"rtn:bits=8,group=64", "rtn:bits=4,group=64", "rtn:bits=2,group=64"});
    plan.evaluation.text = sample.page;
    plan.evaluation.context = 64;
    plan.evaluation.tokens = 200;
    const auto report = sample.ran(plan);
    REQUIRE(report->text);
    CHECK(report->text->context == 64);
    CHECK(report->text->tokens.size() == 256);
    std::string text;
    for (const std::string& piece : report->text->pieces) text += piece;
    const auto whole = MappedFile::open(sample.page);
    REQUIRE(whole);
    CHECK(std::string(reinterpret_cast<const char*>((*whole)->bytes().data()), text.size()) == text);
    const auto& methods = report->methods;
    for (const auto& method : methods) {
        REQUIRE(method.quality);
        CHECK(method.quality->tokens == 4 * 63);
        CHECK(method.quality->divergence.size() == 256);
    }
    CHECK(methods[0].quality->klDivergence > 0);
    CHECK(methods[0].quality->klDivergence < 2e-3);
    CHECK(methods[1].quality->klDivergence > 5 * methods[0].quality->klDivergence);
    CHECK(methods[2].quality->klDivergence > 5 * methods[1].quality->klDivergence);
    CHECK(methods[0].quality->perplexity == Approx(report->text->reference.perplexity).epsilon(0.01));
    CHECK(methods[2].quality->perplexity > report->text->reference.perplexity);
    CHECK(methods[0].quality->top1Agreement > methods[2].quality->top1Agreement);
}

TEST_CASE("Quantized activations and caches change predictions, the more the fewer bits") {
    test::SampleModel sample;
    engine::Plan plan = sample.plan({"rtn:bits=8,group=64"}, {"*layers.0.mlp.up_proj*"});
    const auto report = sample.ran(plan);
    EvaluationSettings settings;
    settings.text = sample.page;
    settings.context = 64;
    settings.tokens = 60;
    std::vector<MethodResult> results(4, report->methods.front());
    const auto quantized = [](bool inputs, bool cache, int bits) {
        ActivationQuantization what;
        what.linearInputs = inputs;
        what.cache = cache;
        what.inputGrid.bits = bits;
        what.cacheGrid = {bits, false, ActivationScope::Group, 32};
        return what;
    };
    for (std::size_t m = 1; m < results.size(); ++m) results[m].tensors.clear(); // about activations alone: all layers
    results[1].activations = quantized(true, false, 8);
    results[2].activations = quantized(true, false, 4);
    results[3].activations = quantized(false, true, 4);
    std::vector<const MethodResult*> methods;
    for (const auto& result : results) methods.push_back(&result);
    const auto evaluation = evaluate(sample.model, settings, methods, sample.run.context);
    REQUIRE(evaluation);
    const auto divergence = [&](std::size_t m) { return evaluation->methods[m]->klDivergence; };
    CHECK(divergence(1) > divergence(0));
    CHECK(divergence(2) > 10 * divergence(1));
    CHECK(divergence(3) > 2 * divergence(0));
    CHECK(divergence(3) < divergence(2));
}

TEST_CASE("The model's perplexity is that of the double-precision reference", "[data]") {
    const auto folder = test::realData("llm-bard");
    if (!folder) return;
    const auto reference = readJsonFile(*folder / "reference.json");
    REQUIRE(reference);
    test::SampleModel sample;
    EvaluationSettings settings;
    settings.text = *folder / "valid.txt";
    settings.tokens = 8000;
    const auto evaluation = evaluate(sample.model, settings, {}, sample.run.context);
    REQUIRE(evaluation);
    const TextQuality& quality = evaluation->text->reference;
    CHECK(quality.tokens == (*reference)["scored_tokens_8000"].get<std::int64_t>());
    CHECK(quality.perplexity ==
          Approx((*reference)["perplexity_first_windows_reaching_8000_scored_tokens"].get<double>()).epsilon(1e-5));
    const auto ids = (*reference)["valid_first_32_ids"].get<std::vector<std::int32_t>>();
    CHECK(std::equal(ids.begin(), ids.end(), evaluation->text->tokens.begin()));
}

TEST_CASE("The residual stream behind every block is that of the double-precision reference", "[data]") {
    const auto folder = test::realData("llm-bard");
    if (!folder) return;
    test::SampleModel sample;
    const auto arrays = openCheckpoint(*folder / "reference.npz", sample.registries, sample.run.notes);
    REQUIRE(arrays);
    const auto reference = readJsonFile(*folder / "reference.json");
    REQUIRE(reference);
    // The blocks were recorded in the last step of the greedy continuation: over its first 120 tokens.
    auto tokens = (*reference)["greedy_ids"].get<std::vector<std::int32_t>>();
    tokens.resize(120);
    const nn::Graph& graph = *sample.model.graph;
    std::vector<nn::ValueId> edges;
    for (int block = 0; block < 6; ++block)
        edges.push_back(graph.find(fmt::format("model.layers.{}.output", block)).value());
    nn::EdgeCapture capture(graph, edges);
    nn::Execution execution(graph, *sample.model.weights, sample.run.context, {Precision::Single, &capture, nullptr});
    REQUIRE(setTokens(execution, graph, tokens, 1));
    REQUIRE(execution.run());
    for (std::size_t block = 0; block < 6; ++block) {
        const auto index = (*arrays)->find(fmt::format("block{}.out", block));
        REQUIRE(index);
        std::vector<float> expected(120 * 256);
        REQUIRE(decode((*arrays)->view(*index), 0, std::span(expected)));
        const auto value = capture.take(edges[block]);
        REQUIRE(value);
        const auto found = nn::elements<float>(*value);
        REQUIRE(found.size() == expected.size());
        double difference = 0, size = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const double d = static_cast<double>(found[i]) - static_cast<double>(expected[i]);
            difference += d * d;
            size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
        }
        CAPTURE(block);
        CHECK(std::sqrt(difference / size) < 1e-5);
    }
}
