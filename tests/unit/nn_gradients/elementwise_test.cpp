// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("Functions of one element have the gradients that differences show") {
    for (const char* op : {"Abs",         "Atan",      "Celu",      "Cos",      "Elu",   "Erf",        "Exp",  "Gelu",
                           "HardSigmoid", "HardSwish", "LeakyRelu", "Mish",     "Neg",   "Reciprocal", "Relu", "Selu",
                           "Sigmoid",     "Sin",       "Softplus",  "Softsign", "Swish", "Tan",        "Tanh"})
        checkGradients({op, {uniformValue({3, 5}, 1, -1.4, 1.4)}});
    for (const char* op : {"Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Relu", "Sigmoid", "Softplus",
                           "Swish", "Tanh", "Asinh", "Cosh", "Sinh"})
        checkGradients({op, {uniformValue({2, 3, 4}, 2, -5, 5)}});
    for (const char* op : {"Log", "Sqrt", "Reciprocal"}) checkGradients({op, {uniformValue({7}, 3, 0.2, 4)}});
    for (const char* op : {"Acos", "Asin", "Atanh"}) checkGradients({op, {uniformValue({7}, 4, -0.9, 0.9)}});
    checkGradients({"Acosh", {uniformValue({7}, 5, 1.2, 4)}});
    checkGradients({"Exp", {uniformValue({}, 6)}});
}

TEST_CASE("Parameters of functions change their gradients") {
    const auto x = uniformValue({3, 5}, 7, -3, 3);
    checkGradients({"Gelu", {x}, {{"approximate", std::string("tanh")}}});
    checkGradients({"LeakyRelu", {x}, {{"alpha", 0.3}}});
    checkGradients({"Elu", {x}, {{"alpha", 0.7}}});
    checkGradients({"Celu", {x}, {{"alpha", 2.0}}});
    checkGradients({"Selu", {x}, {{"alpha", 1.2}, {"gamma", 0.8}}});
    checkGradients({"HardSigmoid", {x}, {{"alpha", 0.4}, {"beta", 0.3}}});
    checkGradients({"Swish", {x}, {{"alpha", 1.7}}});
}

TEST_CASE("Gradients of two operands are summed where an operand was repeated") {
    const std::vector<std::pair<Shape, Shape>> shapes{
        {{4, 3}, {4, 3}}, {{2, 3, 4}, {4}},          {{4}, {2, 3, 4}}, {{2, 1, 4}, {3, 1}},
        {{}, {2, 2}},     {{2, 3, 1, 2}, {1, 5, 1}}, {{1}, {1, 1}},    {{3, 1}, {3, 40000}}};
    for (const auto& [left, right] : shapes) {
        const bool large = right.size() > 1 && right[1] > 1000;
        for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean"}) {
            if (large && std::string(op) != "Mul") continue;
            checkGradients({op, {uniformValue(left, 1, 0.5, 2), uniformValue(right, 2, 0.5, 2)}});
        }
        if (!large) checkGradients({"Pow", {uniformValue(left, 1, 0.5, 2), uniformValue(right, 2, -2, 2)}});
    }
}

TEST_CASE("More than two operands share a gradient") {
    const std::vector<std::optional<Value>> three{uniformValue({2, 3}, 1), uniformValue({3}, 2),
                                                  uniformValue({2, 1}, 3)};
    for (const char* op : {"Sum", "Mean", "Min", "Max"}) checkGradients({op, three});
}

TEST_CASE("Powers have gradients at negative bases and at zero") {
    const auto base = engine::nn::makeValue<double>({4}, {-1.5, -0.5, 0, 2});
    checkGradients({"Pow", {base, engine::nn::makeValue<double>({}, {2})}, {}, 25, 1, 0, {1}});
    checkGradients({"Pow", {base, engine::nn::makeValue<double>({}, {3})}, {}, 25, 1, 0, {1}});
    checkGradients({"Pow", {base, integerValue({}, {2})}});
    checkGradients({"PRelu", {uniformValue({2, 3, 2}, 1), uniformValue({3, 1}, 2)}});
}

TEST_CASE("Clipped elements pass their gradient to the limit that holds them") {
    const auto x = uniformValue({4, 6}, 8, -2, 2);
    const auto low = engine::nn::makeValue<double>({}, {-0.6});
    const auto high = engine::nn::makeValue<double>({}, {0.9});
    checkGradients({"Clip", {x, low, high}});
    checkGradients({"Clip", {x, std::nullopt, high}});
    checkGradients({"Clip", {x, low}});
    checkGradients({"Clip", {x}});
}

TEST_CASE("A function without a useful gradient says so") {
    CHECK(gradientError({"Round", {uniformValue({3}, 1)}}) == "operator Round has no gradient");
    CHECK(gradientError({"Sign", {uniformValue({3}, 1)}}) == "operator Sign has no gradient");
}
