// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include "engine/nn/gradients/reverse.h"
#include "engine/nn/graph/builder.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace qscope::test {

using namespace engine;
using namespace engine::nn;

Value uniformValue(Shape shape, unsigned seed, double low, double high) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> draw(low, high);
    std::vector<double> values(static_cast<std::size_t>(elementCount(shape)));
    for (double& value : values) value = draw(generator);
    return makeValue<double>(std::move(shape), std::move(values));
}

Value integerValue(Shape shape, std::vector<std::int64_t> values) {
    return makeValue<std::int64_t>(std::move(shape), std::move(values));
}

namespace {

struct NoWeights : WeightSource {
    Result<Value> weight(std::string_view name, Precision) const override {
        return fail(ErrorCode::OutOfRange, "there is no weight '{}'", name);
    }
};

bool isReal(const std::optional<Value>& value) { return value && value->dtype() == DType::F64; }

/// The case as a graph of one node, whose inputs are the graph's.
struct Built {
    std::shared_ptr<const Graph> graph;
    std::vector<ValueId> edges;
    ValueId output = kAbsent;
};

Built built(const OperatorCase& given) {
    GraphBuilder builder;
    Built result;
    Node node;
    node.name = "node";
    node.attributes = given.attributes;
    node.opset = given.opset;
    for (std::size_t i = 0; i < given.inputs.size(); ++i)
        result.edges.push_back(given.inputs[i] ? builder.input("input" + std::to_string(i)) : kAbsent);
    node.inputs = result.edges;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < given.outputs; ++i) names.push_back("output" + std::to_string(i));
    const auto outputs = builder.addNode(given.op, std::move(node), names);
    result.output = outputs[given.output];
    builder.output(result.output);
    auto graph = builder.finish();
    if (!graph) FAIL(graph.error().message);
    result.graph = *graph;
    return result;
}

/// Weights of the sum that stands for a loss.
std::vector<double> weightsOf(std::size_t count) {
    std::mt19937 generator(99);
    std::uniform_real_distribution<double> draw(0.5, 1.5);
    std::vector<double> weights(count);
    for (double& weight : weights) weight = draw(generator) * (generator() % 2 == 0 ? 1 : -1);
    return weights;
}

struct Sum {
    double value = 0;
    double size = 0; ///< of its terms
};

Sum weightedSum(const Value& value) {
    const auto found = converted(value, DType::F64);
    if (!found) FAIL(found.error().message);
    const auto all = elements<double>(*found);
    const auto weights = weightsOf(all.size());
    Sum sum;
    for (std::size_t i = 0; i < all.size(); ++i) {
        sum.value += weights[i] * all[i];
        sum.size += std::abs(weights[i] * all[i]);
    }
    return sum;
}

Sum forwardSum(const Built& graph, const std::vector<std::optional<Value>>& inputs) {
    TestRun run;
    const NoWeights weights;
    std::vector<Value> present;
    for (const auto& input : inputs)
        if (input) present.push_back(*input);
    const auto outputs = runGraph(*graph.graph, present, weights, run.context, {Precision::Double});
    if (!outputs) FAIL(outputs.error().message);
    return weightedSum(outputs->front());
}

Result<Gradients> gradientsIn(DType type, const Built& graph, const OperatorCase& given) {
    TestRun run;
    const NoWeights weights;
    GradientProblem problem;
    for (std::size_t i = 0; i < given.inputs.size(); ++i) {
        if (!given.inputs[i]) continue;
        QSCOPE_TRY(Value value, isReal(given.inputs[i]) ? converted(*given.inputs[i], type) : *given.inputs[i]);
        problem.given.emplace_back(graph.edges[i], std::move(value));
        if (isReal(given.inputs[i]) && std::ranges::find(given.constant, i) == given.constant.end())
            problem.wanted.push_back(graph.edges[i]);
    }
    problem.loss = graph.output;
    problem.lossOf = [&](const Value& value, const RunContext&) -> Result<Loss> {
        const auto sum = weightedSum(value);
        QSCOPE_TRY(Value gradient,
                   converted(makeValue<double>(value.shape(),
                                               weightsOf(static_cast<std::size_t>(elementCount(value.shape())))),
                             value.dtype()));
        return Loss{sum.value, std::move(gradient)};
    };
    return gradients(*graph.graph, problem, weights, run.context);
}

} // namespace

std::string gradientError(const OperatorCase& given) {
    const auto found = gradientsIn(DType::F64, built(given), given);
    return found ? std::string() : found.error().message;
}

void checkGradients(const OperatorCase& given) {
    INFO(given.op);
    const Built graph = built(given);
    const auto wide = gradientsIn(DType::F64, graph, given);
    if (!wide) FAIL(wide.error().message << (wide.error().trail.empty() ? "" : " / " + wide.error().trail[0]));
    const auto single = gradientsIn(DType::F32, graph, given);
    if (!single) FAIL(single.error().message);
    const Sum whole = forwardSum(graph, given.inputs);
    CHECK(wide->loss == Approx(whole.value).epsilon(1e-12).margin(1e-12));
    for (std::size_t input = 0; input < given.inputs.size(); ++input) {
        const auto found = wide->of.find(graph.edges[input]);
        if (found == wide->of.end()) continue;
        INFO("input " << input);
        REQUIRE(found->second.shape() == given.inputs[input]->shape());
        const auto gradient = elements<double>(found->second);
        const auto x = elements<double>(*given.inputs[input]);

        // Truncation (step² / 6 times a third derivative) and the rounding of the sum (epsilon / step times its terms)
        // are some 1e-11 of the sum's terms with the usual step. Third derivatives of up to a hundred times the
        // function are allowed for; wrong formulas are off by far more.
        const double looseness = std::pow(given.step / kDifferenceStep, 2);
        double worst = 0;
        const std::size_t stride = std::max<std::size_t>(1, x.size() / 64);
        for (std::size_t i = 0; i < x.size(); i += stride) {
            const auto moved = [&](double by) {
                auto inputs = given.inputs;
                std::vector<double> values(x.begin(), x.end());
                values[i] += by;
                inputs[input] = makeValue<double>(given.inputs[input]->shape(), std::move(values));
                return forwardSum(graph, inputs).value;
            };
            const double expected = (moved(given.step) - moved(-given.step)) / (2 * given.step);
            const double allowed = 1e-7 * std::abs(expected) + 2e-9 * looseness * (whole.size + 1);
            if (std::abs(gradient[i] - expected) <= allowed) continue;
            worst = std::max(worst, std::abs(gradient[i] - expected));
            UNSCOPED_INFO("element " << i << ": " << gradient[i] << ", but differences say " << expected);
        }
        CHECK(worst == 0);

        const auto rough = elements<float>(single->of.at(graph.edges[input]));
        double error = 0;
        double norm = 0;
        for (std::size_t i = 0; i < rough.size(); ++i) {
            error += std::pow(static_cast<double>(rough[i]) - gradient[i], 2);
            norm += gradient[i] * gradient[i];
        }
        // A few dozen roundings of 6e-8, among terms that may cancel to a hundredth.
        CHECK(std::sqrt(error) <= 1e-4 * std::sqrt(norm) + 1e-6);
    }
}

} // namespace qscope::test
