// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/reverse.h"
#include "tests/unit/plan/reference_run.h"

#include <algorithm>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;

namespace {

/// A model's weights, one of them moved in one place.
struct MovedWeights : WeightSource {
    explicit MovedWeights(const WeightSource& base)
        : m_base(base) {}

    Result<Value> weight(std::string_view asked, Precision precision) const override {
        QSCOPE_TRY(const Value value, m_base.weight(asked, precision));
        if (asked != name) return value;
        std::vector<double> moved(elements<double>(value).begin(), elements<double>(value).end());
        moved[place] += by;
        return makeValue<double>(value.shape(), std::move(moved));
    }

    std::string name;
    std::size_t place = 0;
    double by = 0;

private:
    const WeightSource& m_base;
};

} // namespace

TEST_CASE("Gradients through a whole trained language model are those of differences") {
    const auto folder = test::realData("llm-bard");
    if (!folder) return;
    const auto model = test::openModel(*makeSafetensorsReader(), *folder / "model.safetensors");
    REQUIRE(model);
    const Graph& graph = *model->graph;
    const std::vector<int> tokens{311, 42, 1907, 42, 8, 640};
    const std::vector<Value> inputs = tokenInputs(tokens);
    std::vector<std::int64_t> next(tokens.begin() + 1, tokens.end());
    next.push_back(-1);
    GradientProblem problem;
    for (std::size_t i = 0; i < inputs.size(); ++i) problem.given.emplace_back(graph.inputs[i], inputs[i]);
    problem.loss = graph.outputs[0];
    problem.lossOf = crossEntropy(makeValue<std::int64_t>({1, 6}, next));

    // Two hundred places: a weight drawn first, so that norms count as much as matrices; of the embedding a row in use.
    std::vector<ValueId> weights;
    for (std::size_t edge = 0; edge < graph.values.size(); ++edge)
        if (graph.values[edge].role == ValueRole::Weight) weights.push_back(static_cast<ValueId>(edge));
    problem.wanted = weights;
    test::TestRun run;
    const auto result = gradients(graph, problem, *model->weights, run.context, {Precision::Double, nullptr, true});
    REQUIRE(result);
    CHECK(result->loss > 1);
    CHECK(result->loss < 15);
    REQUIRE(result->of.size() == weights.size());

    problem.wanted.clear();
    MovedWeights moved(*model->weights);
    const auto lossAt = [&](double by) {
        moved.by = by;
        const auto found = gradients(graph, problem, moved, run.context, {Precision::Double, nullptr, true});
        if (!found) FAIL(found.error().message);
        return found->loss;
    };
    std::mt19937 generator(20);
    std::size_t large = 0;
    for (int n = 0; n < 200; ++n) {
        const ValueId edge = weights[generator() % weights.size()];
        const Value& gradient = result->of.at(edge);
        moved.name = graph.values[static_cast<std::size_t>(edge)].name;
        moved.place = generator() % elements<double>(gradient).size();
        if (moved.name.find("embed") != std::string::npos) {
            const auto width = static_cast<std::size_t>(gradient.shape()[1]);
            moved.place = static_cast<std::size_t>(tokens[generator() % tokens.size()]) * width + moved.place % width;
        }
        INFO(moved.name << " at " << moved.place);
        // Truncation is some step² of the gradient; rounding 2e-16 * loss / step, about 1e-11.
        constexpr double kStep = 1e-4;
        const double expected = (lossAt(kStep) - lossAt(-kStep)) / (2 * kStep);
        const double slope = elements<double>(gradient)[moved.place];
        CHECK(slope == Approx(expected).epsilon(1e-3).margin(1e-9));
        large += std::abs(slope) > 1e-6 ? 1 : 0;
    }
    CHECK(large > 150);
}

TEST_CASE("One block of a trained language model is led towards what it gave before") {
    const auto folder = test::realData("llm-bard");
    if (!folder) return;
    const auto model = test::openModel(*makeSafetensorsReader(), *folder / "model.safetensors");
    REQUIRE(model);
    const Graph& graph = *model->graph;
    const ValueId border = *graph.find("model.layers.2.output");
    const ValueId end = *graph.find("model.layers.3.output");
    const ValueId weight = *graph.find("model.layers.3.mlp.up_proj.weight");
    const std::vector<Value> inputs = tokenInputs(std::vector<int>{5, 6, 7, 800, 9, 10, 11, 1200});
    test::TestRun run;
    Execution execution(graph, *model->weights, run.context);
    for (const ValueId edge : {border, end}) execution.keep(edge);
    for (std::size_t i = 0; i < inputs.size(); ++i) REQUIRE(execution.set(graph.inputs[i], inputs[i]));
    REQUIRE(execution.run());

    // With the weight rounded to multiples of 0.07 the block misses its target; steps against the gradient that comes
    // straight through bring it closer.
    std::vector<float> learned;
    EdgeFunctions quantizers;
    quantizers.put(weight, {[&](Value value) -> Result<Value> {
                       if (learned.empty())
                           learned.assign(elements<float>(value).begin(), elements<float>(value).end());
                       std::vector<float> rounded(learned.size());
                       std::ranges::transform(learned, rounded.begin(),
                                              [](float w) { return 0.07F * std::nearbyint(w / 0.07F); });
                       return makeValue<float>(value.shape(), std::move(rounded));
                   }});
    GradientProblem problem{{{border, *execution.find(border)}}, end, meanSquaredError(*execution.find(end)), {weight}};
    for (std::size_t i = 0; i < inputs.size(); ++i) problem.given.emplace_back(graph.inputs[i], inputs[i]);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 30; ++step) {
        const auto result = gradients(graph, problem, *model->weights, run.context, {Precision::Single, &quantizers});
        if (!result) FAIL(result.error().message);
        last = result->loss;
        if (step == 0) first = last;
        const auto slope = elements<float>(result->of.at(weight));
        float largest = 0;
        for (const float g : slope) largest = std::max(largest, std::abs(g));
        for (std::size_t i = 0; i < learned.size(); ++i) learned[i] -= 0.01F * slope[i] / largest;
    }
    CHECK(first > 0);
    CHECK(last < 0.9 * first);
}
