// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/optimizers.h"
#include "tests/unit/nn_gradients/small_network.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using test::HeldWeights;
using test::SmallNetwork;

namespace {

constexpr GradientOptions kKept{Precision::Double};
constexpr GradientOptions kRecomputed{Precision::Double, nullptr, true};

Gradients found(const Graph& graph, const GradientProblem& problem, const WeightSource& weights,
                const GradientOptions& options = kKept) {
    test::TestRun run;
    auto result = gradients(graph, problem, weights, run.context, options);
    if (!result) FAIL(result.error().message);
    return *std::move(result);
}

Error failure(const Graph& graph, const GradientProblem& problem, const WeightSource& weights,
              const GradientOptions& options = kKept) {
    test::TestRun run;
    const auto result = gradients(graph, problem, weights, run.context, options);
    REQUIRE_FALSE(result);
    return result.error();
}

Value moved(const Value& value, std::size_t index, double by) {
    std::vector<double> values(elements<double>(value).begin(), elements<double>(value).end());
    values[index] += by;
    return makeValue<double>(value.shape(), std::move(values));
}

/// The gradient against central differences of `lossAt(index, step)`; errors of both kinds are some 1e-10 here.
template<class LossAt>
void checkDifferences(const Value& gradient, const LossAt& lossAt) {
    constexpr double kStep = 6e-6;
    const auto all = elements<double>(gradient);
    for (std::size_t i = 0; i < all.size(); i += 5)
        CHECK(all[i] == Approx((lossAt(i, kStep) - lossAt(i, -kStep)) / (2 * kStep)).epsilon(1e-6).margin(1e-9));
}

bool sameBits(const Value& a, const Value& b) {
    return a.shape() == b.shape() && a.dtype() == b.dtype() && std::ranges::equal(a.host.bytes, b.host.bytes);
}

} // namespace

TEST_CASE("Gradients of a network are those of differences, for weights, inputs and inner edges") {
    SmallNetwork network(3);
    const ValueId inner = network.borders[1];
    const GradientProblem problem{
        network.given, network.loss, {}, {network.edge("tied"), network.edge("block1.up"), network.input, inner}};
    const Gradients result = found(*network.graph, problem, network.weights);
    for (const char* name : {"tied", "block1.up"}) {
        INFO(name);
        checkDifferences(result.of.at(network.edge(name)), [&](std::size_t i, double by) {
            HeldWeights weights = network.weights;
            weights.values[name] = moved(weights.values[name], i, by);
            return found(*network.graph, {network.given, network.loss}, weights).loss;
        });
    }
    checkDifferences(result.of.at(network.input), [&](std::size_t i, double by) {
        auto given = network.given;
        given[0].second = moved(given[0].second, i, by);
        return found(*network.graph, {given, network.loss}, network.weights).loss;
    });
    // From an inner edge on, starting from what it was.
    test::TestRun run;
    Execution execution(*network.graph, network.weights, run.context, {Precision::Double});
    execution.keep(inner);
    for (const auto& [edge, value] : network.given) REQUIRE(execution.set(edge, value));
    REQUIRE(execution.run());
    checkDifferences(result.of.at(inner), [&](std::size_t i, double by) {
        const GradientProblem rest{{network.given[1], {inner, moved(*execution.find(inner), i, by)}}, network.loss};
        return found(*network.graph, rest, network.weights).loss;
    });
}

TEST_CASE("Recomputing blocks gives the same gradients bit for bit, and holds borders and one block") {
    for (const Precision precision : {Precision::Single, Precision::Double}) {
        SmallNetwork network(6);
        network.given[0].second = *converted(network.given[0].second, dtypeOf(precision));
        GradientProblem problem{network.given, network.loss};
        for (std::size_t edge = 0; edge < network.graph->values.size(); ++edge)
            if (const auto id = static_cast<ValueId>(edge); id != network.targets) problem.wanted.push_back(id);
        const Gradients kept = found(*network.graph, problem, network.weights, {precision, nullptr, false});
        const Gradients again = found(*network.graph, problem, network.weights, {precision, nullptr, true});
        CHECK(kept.loss == again.loss);
        REQUIRE(kept.of.size() == problem.wanted.size());
        REQUIRE(again.of.size() == kept.of.size());
        for (const auto& [edge, gradient] : kept.of) {
            INFO(network.graph->values[static_cast<std::size_t>(edge)].name);
            CHECK(sameBits(gradient, again.of.at(edge)));
        }
    }
    const auto heldBy = [](int blocks, const GradientOptions& options) {
        const SmallNetwork network(blocks);
        return found(*network.graph, {network.given, network.loss, {}, {network.edge("tied")}}, network.weights,
                     options)
            .heldBytes;
    };
    constexpr std::int64_t kWide = 6 * 16 * 8;  // bytes of what is between the layers of a block
    constexpr std::int64_t kNarrow = 6 * 8 * 8; // of what flows from block to block
    CHECK(heldBy(12, kKept) - heldBy(6, kKept) == 6 * (2 * kWide + 2 * kNarrow));
    CHECK(heldBy(12, kRecomputed) - heldBy(6, kRecomputed) == 6 * kNarrow);
}

TEST_CASE("A block alone is led towards a target, and nothing outside of it runs") {
    SmallNetwork network(3);
    HeldWeights weights;
    for (const char* name : {"block1.up", "block1.down"}) weights.values[name] = network.weights.values[name];
    const Value border = network.given[0].second; // any values of this shape
    const Value target = moved(border, 3, 0.5);
    const Value importance = makeValue<double>({6, 8}, std::vector<double>(48, 2.0));
    const GradientProblem problem{{{network.borders[0], border}},
                                  network.borders[1],
                                  meanSquaredError(target, importance),
                                  {network.edge("block1.up"), network.borders[0]}};
    const Gradients result = found(*network.graph, problem, weights);
    const GradientProblem plain{problem.given, problem.loss, meanSquaredError(target), {}};
    CHECK(result.loss == Approx(2 * found(*network.graph, plain, weights).loss));
    checkDifferences(result.of.at(network.edge("block1.up")), [&](std::size_t i, double by) {
        HeldWeights other = weights;
        other.values["block1.up"] = moved(other.values["block1.up"], i, by);
        return found(*network.graph, problem, other).loss;
    });
    checkDifferences(result.of.at(network.borders[0]), [&](std::size_t i, double by) {
        GradientProblem other = problem;
        other.given[0].second = moved(border, i, by);
        return found(*network.graph, other, weights).loss;
    });
}

TEST_CASE("What has no gradient is refused with its name") {
    SmallNetwork network(1);
    CHECK(failure(*network.graph, {network.given, network.borders[0], {}, {network.edge("head")}}, network.weights)
              .message == "the loss does not depend on 'head'");
    CHECK(
        failure(*network.graph, {network.given, network.logits, {}, {network.edge("head")}}, network.weights).message ==
        "the loss 'head.output' is not one number");
    CHECK(failure(*network.graph, {network.given, network.input, {}, {}}, network.weights).message ==
          "'x' is not made by a node");
    CHECK(failure(*network.graph, {network.given, network.loss, {}, {network.targets}}, network.weights).code ==
          ErrorCode::Unsupported);
    CHECK(failure(*network.graph, {network.given, network.loss, {}, {999}}, network.weights).code ==
          ErrorCode::OutOfRange);

    GraphBuilder builder;
    const ValueId x = builder.input("x");
    const ValueId rounded = builder.add("Round", "quantizer", {x});
    const ValueId loss = builder.add("ReduceSum", "sum", {rounded});
    const auto graph = *builder.finish();
    const Error error = failure(*graph, {{{x, makeValue<double>({2}, {1, 2})}}, loss, {}, {x}}, network.weights);
    CHECK(error.code == ErrorCode::Unsupported);
    CHECK(error.message == "operator Round has no gradient");
    CHECK(error.trail == std::vector<std::string>{"gradient of Round 'quantizer'"});
    // Where no gradient has to pass, it may stand.
    CHECK(found(*graph, {{{x, makeValue<double>({2}, {1.2, 2.4})}}, loss, {}, {rounded}}, network.weights).loss == 3);
}

TEST_CASE("Gradients stop when asked to, on both ways") {
    struct Stopping : DifferentiableObserver {
        bool wants(const Graph& graph, ValueId edge) override {
            return graph.values[static_cast<std::size_t>(edge)].name == "block1.output";
        }
        Result<Value> value(const Graph&, ValueId, Value value) override {
            if (!onTheWayBack) stop->request_stop();
            return value;
        }
        Result<Value> valueGradient(const Graph&, ValueId, const Value&, Value gradient) override {
            stop->request_stop();
            return gradient;
        }
        std::stop_source* stop = nullptr;
        bool onTheWayBack = false;
    };
    SmallNetwork network(3);
    for (const bool back : {false, true}) {
        test::TestRun run;
        Stopping observer;
        observer.stop = &run.stop;
        observer.onTheWayBack = back;
        const auto result = gradients(*network.graph, {network.given, network.loss, {}, {network.input}},
                                      network.weights, run.context, {Precision::Double, &observer});
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::Cancelled);
    }
}

TEST_CASE("Two layers learn XOR") {
    GraphBuilder builder;
    const ValueId x = builder.input("x");
    ValueId y = builder.add("Linear", "hidden", {x, builder.weight("w1"), builder.weight("b1")});
    y = builder.add("Tanh", "act", {y});
    y = builder.add("Linear", "out", {y, builder.weight("w2"), builder.weight("b2")});
    y = builder.add("Sigmoid", "answer", {y});
    const auto graph = *builder.finish();
    HeldWeights weights;
    weights.put("w1", {8, 2}, 1, 1);
    weights.put("b1", {8}, 2);
    weights.put("w2", {1, 8}, 3);
    weights.put("b2", {1}, 4);
    std::map<std::string, std::vector<float>> learned;
    for (const auto& [name, value] : weights.values) {
        const Value single = *converted(value, DType::F32);
        learned[name].assign(elements<float>(single).begin(), elements<float>(single).end());
    }
    GradientProblem problem{{{x, makeValue<float>({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1})}},
                            y,
                            meanSquaredError(makeValue<float>({4, 1}, {0, 1, 1, 0}))};
    for (const auto& [name, values] : learned) problem.wanted.push_back(*graph->find(name));
    optimize::Adam adam;
    test::TestRun run;
    double loss = 1;
    for (int step = 0; step < 300; ++step) {
        const Gradients result = found(*graph, problem, weights, {});
        loss = result.loss;
        std::vector<optimize::Parameter> parameters;
        for (auto& [name, values] : learned)
            parameters.push_back({name, values, elements<float>(result.of.at(*graph->find(name)))});
        REQUIRE(adam.step(parameters, 0.05, run.context));
        for (const auto& [name, values] : learned)
            weights.values[name] = makeValue<float>(weights.values[name].shape(), values);
    }
    CHECK(loss < 0.01);
}
