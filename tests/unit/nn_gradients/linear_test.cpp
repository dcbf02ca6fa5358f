// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("Linear layers have the gradients that differences show") {
    checkGradients({"Linear", {uniformValue({3, 5}, 1), uniformValue({4, 5}, 2), uniformValue({4}, 3)}});
    checkGradients({"Linear", {uniformValue({2, 3, 6}, 1), uniformValue({2, 6}, 2)}});
    checkGradients({"Linear", {uniformValue({7}, 1), uniformValue({1, 7}, 2), uniformValue({1}, 3)}});
    checkGradients({"Linear", {uniformValue({150, 20}, 1), uniformValue({33, 20}, 2)}});
}

TEST_CASE("Matrix products have gradients for every way in which batches meet") {
    const std::vector<std::pair<Shape, Shape>> shapes{
        {{2, 3}, {3, 4}},       {{3}, {3}},          {{3}, {3, 4}},          {{2, 3}, {3}},
        {{5, 2, 3}, {3, 4}},    {{2, 3}, {5, 3, 4}}, {{5, 2, 3}, {5, 3, 4}}, {{2, 1, 2, 3}, {4, 3, 2}},
        {{1, 2, 3}, {4, 3, 1}}, {{4, 2, 3}, {3}},    {{3}, {4, 3, 2}}};
    for (const auto& [left, right] : shapes)
        checkGradients({"MatMul", {uniformValue(left, 1), uniformValue(right, 2)}});
}

TEST_CASE("Gemm has gradients with and without transposing, scaled, and for every shape of C") {
    for (const std::int64_t turnA : {0, 1})
        for (const std::int64_t turnB : {0, 1})
            for (const Shape& c : {Shape{3, 4}, Shape{4}, Shape{3, 1}, Shape{}})
                checkGradients({"Gemm",
                                {uniformValue(turnA ? Shape{5, 3} : Shape{3, 5}, 1),
                                 uniformValue(turnB ? Shape{4, 5} : Shape{5, 4}, 2), uniformValue(c, 3)},
                                {{"transA", turnA}, {"transB", turnB}, {"alpha", 0.7}, {"beta", -1.3}}});
    checkGradients({"Gemm", {uniformValue({1, 5}, 1), uniformValue({5, 1}, 2)}});
}

TEST_CASE("Softmax and the cross-entropy have the gradients that differences show") {
    const auto x = uniformValue({2, 3, 4}, 1, -3, 3);
    for (const char* op : {"Softmax", "LogSoftmax"})
        for (const std::int64_t axis : {0, 1, 2, -1}) checkGradients({op, {x}, {{"axis", axis}}});
    checkGradients({"CrossEntropy", {uniformValue({5, 6}, 2, -3, 3), integerValue({5}, {0, 5, -1, 2, 2})}});
    checkGradients({"CrossEntropy",
                    {uniformValue({2, 2, 3}, 3, 750, 755), integerValue({2, 2}, {0, -100, 2, 1})},
                    {},
                    25,
                    1,
                    0,
                    {},
                    1e-4});
}
