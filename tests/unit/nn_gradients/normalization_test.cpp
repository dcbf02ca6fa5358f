// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("Normalizations over trailing axes have the gradients that differences show") {
    const auto x = uniformValue({2, 3, 5}, 1, -2, 3);
    checkGradients({"RMSNormalization", {x, uniformValue({5}, 2)}});
    checkGradients({"RMSNormalization", {x, uniformValue({3, 5}, 2)}, {{"axis", std::int64_t{1}}, {"epsilon", 0.1}}});
    checkGradients({"RMSNormalization", {x, uniformValue({1}, 2)}, {{"axis", std::int64_t{-2}}}});
    checkGradients({"LayerNormalization", {x, uniformValue({5}, 2), uniformValue({5}, 3)}});
    checkGradients({"LayerNormalization", {x, uniformValue({5}, 2)}, {{"epsilon", 0.1}}});
    checkGradients(
        {"LayerNormalization", {x, uniformValue({3, 1}, 2), uniformValue({5}, 3)}, {{"axis", std::int64_t{1}}}});
    CHECK_FALSE(gradientError({"LayerNormalization", {x, uniformValue({5}, 2)}, {}, 25, 2, 1}).empty());
}

TEST_CASE("Normalization by known means and variances has five gradients") {
    for (const Shape& shape : {Shape{3, 4, 2, 2}, Shape{5, 4}, Shape{1, 4, 3}})
        checkGradients({"BatchNormalization",
                        {uniformValue(shape, 1), uniformValue({4}, 2), uniformValue({4}, 3), uniformValue({4}, 4),
                         uniformValue({4}, 5, 0.5, 2)},
                        {{"epsilon", 0.01}}});
}

TEST_CASE("Reductions have gradients over any axes") {
    const auto x = uniformValue({2, 3, 4}, 1, 0.3, 2);
    for (const char* op : {"ReduceSum", "ReduceMean", "ReduceL2", "ReduceSumSquare"}) {
        checkGradients({op, {x}});
        checkGradients({op, {x, integerValue({1}, {1})}});
        checkGradients({op, {x, integerValue({2}, {0, -1})}, {{"keepdims", std::int64_t{0}}}});
        checkGradients({op, {x}, {{"noop_with_empty_axes", std::int64_t{1}}}});
    }
}
