// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

namespace {

using List = std::vector<std::int64_t>;

Value listValue(List values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return integerValue(shape, std::move(values));
}

} // namespace

TEST_CASE("Reshaping and transposing move gradients back") {
    const auto x = uniformValue({2, 3, 4}, 1);
    checkGradients({"Reshape", {x, listValue({4, -1})}});
    checkGradients({"Flatten", {x}, {{"axis", std::int64_t{2}}}});
    checkGradients({"Squeeze", {uniformValue({2, 1, 3}, 1), listValue({1})}});
    checkGradients({"Unsqueeze", {x, listValue({0, -1})}});
    checkGradients({"Identity", {x}});
    checkGradients({"Transpose", {x}});
    checkGradients({"Transpose", {x}, {{"perm", List{1, 2, 0}}}});
    checkGradients({"Transpose", {uniformValue({5, 2, 1, 3}, 2)}, {{"perm", List{2, 0, 3, 1}}}});
}

TEST_CASE("Joining and cutting divide gradients") {
    checkGradients({"Concat",
                    {uniformValue({2, 1, 3}, 1), uniformValue({2, 4, 3}, 2), uniformValue({2, 2, 3}, 3)},
                    {{"axis", std::int64_t{1}}}});
    checkGradients({"Concat", {uniformValue({2, 3}, 1), uniformValue({2, 1}, 2)}, {{"axis", std::int64_t{-1}}}});
    for (const std::size_t output : {0, 1, 2}) {
        checkGradients({"Split", {uniformValue({2, 7, 3}, 1)}, {{"axis", std::int64_t{1}}}, 25, 3, output});
        checkGradients({"Split", {uniformValue({6, 2}, 1), listValue({1, 3, 2})}, {}, 25, 3, output});
    }
}

TEST_CASE("Slices put gradients back where they were cut out") {
    const auto x = uniformValue({4, 5, 6}, 1);
    checkGradients({"Slice", {x, listValue({1, 0}), listValue({3, 4})}});
    checkGradients({"Slice", {x, listValue({-3}), listValue({100}), listValue({-1})}});
    checkGradients({"Slice", {x, listValue({1, 5}), listValue({4, 0}), listValue({1, 2}), listValue({2, -2})}});
    checkGradients({"Slice", {x, listValue({50, -50}), listValue({-50, 2}), listValue({0, 1}), listValue({-1, 99})}});
    checkGradients({"Slice", {x, listValue({2}), listValue({2}), listValue({0})}});
}

TEST_CASE("Repeated elements gather the gradients of all their places") {
    checkGradients({"Expand", {uniformValue({3, 1}, 1), listValue({2, 3, 4})}});
    checkGradients({"Expand", {uniformValue({}, 1), listValue({3})}});
    checkGradients({"Gather", {uniformValue({5, 3}, 1), integerValue({2, 2}, {4, 0, 4, -1})}});
    checkGradients({"Gather", {uniformValue({2, 4, 3}, 1), integerValue({}, {2})}, {{"axis", std::int64_t{1}}}});
    checkGradients({"Gather", {uniformValue({2, 4}, 1), integerValue({3}, {1, 1, -4})}, {{"axis", std::int64_t{-1}}}});
    checkGradients(
        {"Where", {engine::nn::makeBools({3, 1}, {1, 0, 1}), uniformValue({2, 3, 4}, 1), uniformValue({4}, 2)}});
}

TEST_CASE("Padding is taken off gradients") {
    const auto x = uniformValue({3, 4}, 1);
    checkGradients({"Pad", {x, listValue({1, 0, 2, 3})}});
    checkGradients({"Pad", {x, listValue({-1, 2, 0, -2})}});
    checkGradients({"Pad", {x, listValue({2, 1}), std::nullopt, listValue({1})}});
    CHECK_FALSE(gradientError({"Pad", {x, listValue({1, 0, 1, 0})}, {{"mode", std::string("reflect")}}}).empty());
}
