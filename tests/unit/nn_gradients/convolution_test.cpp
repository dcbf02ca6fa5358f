// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

namespace {

using List = std::vector<std::int64_t>;

OperatorCase convolution(const char* op, Shape x, Shape w, Attributes attributes, std::int64_t bias) {
    OperatorCase result{op, {uniformValue(std::move(x), 1), uniformValue(std::move(w), 2)}, std::move(attributes)};
    if (bias > 0) result.inputs.push_back(uniformValue({bias}, 3));
    return result;
}

} // namespace

TEST_CASE("Convolutions have the gradients that differences show") {
    checkGradients(convolution("Conv", {2, 3, 5, 6}, {4, 3, 3, 2}, {}, 4));
    checkGradients(convolution("Conv", {1, 4, 7}, {6, 2, 3}, {{"group", std::int64_t{2}}, {"pads", List{1, 2}}}, 0));
    checkGradients(convolution(
        "Conv", {2, 4, 6, 5}, {4, 1, 3, 3},
        {{"group", std::int64_t{4}}, {"strides", List{2, 1}}, {"dilations", List{1, 2}}, {"pads", List{0, 1, 2, 3}}},
        4));
    for (const char* pad : {"SAME_UPPER", "SAME_LOWER", "VALID"})
        checkGradients(convolution("Conv", {1, 2, 5, 6}, {3, 2, 2, 3},
                                   {{"auto_pad", std::string(pad)}, {"strides", List{2, 2}}}, 3));
    checkGradients(convolution("Conv", {1, 2, 3, 4, 3}, {2, 2, 2, 3, 2}, {}, 0));
}

TEST_CASE("Transposed convolutions have the gradients that differences show") {
    checkGradients(convolution("ConvTranspose", {2, 3, 3, 4}, {3, 2, 3, 2}, {}, 2));
    checkGradients(convolution(
        "ConvTranspose", {1, 4, 5}, {4, 3, 3},
        {{"group", std::int64_t{2}}, {"strides", List{2}}, {"pads", List{1, 0}}, {"output_padding", List{1}}}, 6));
    checkGradients(convolution("ConvTranspose", {1, 1, 3, 3}, {1, 2, 3, 3},
                               {{"strides", List{3, 2}}, {"output_shape", List{10, 8}}}, 0));
    checkGradients(convolution("ConvTranspose", {1, 1, 3, 3}, {1, 2, 3, 3},
                               {{"strides", List{2, 2}}, {"auto_pad", std::string("SAME_UPPER")}}, 0));
    checkGradients(convolution("ConvTranspose", {1, 2, 4, 3}, {2, 1, 2, 2}, {{"dilations", List{2, 1}}}, 0));
}

TEST_CASE("Pools have the gradients that differences show") {
    const auto x = uniformValue({2, 3, 5, 7}, 1);
    for (const char* op : {"AveragePool", "MaxPool"}) {
        checkGradients({op, {x}, {{"kernel_shape", List{2, 3}}}});
        checkGradients({op, {x}, {{"kernel_shape", List{3, 3}}, {"strides", List{2, 2}}, {"pads", List{1, 0, 1, 2}}}});
        checkGradients(
            {op, {x}, {{"kernel_shape", List{3, 3}}, {"strides", List{2, 3}}, {"ceil_mode", std::int64_t{1}}}});
        checkGradients({op, {x}, {{"kernel_shape", List{2, 2}}, {"dilations", List{2, 3}}}});
        checkGradients(
            {op,
             {x},
             {{"kernel_shape", List{3, 2}}, {"strides", List{2, 2}}, {"auto_pad", std::string("SAME_UPPER")}}});
        checkGradients({op, {uniformValue({1, 2, 9}, 2)}, {{"kernel_shape", List{4}}}});
    }
    for (const std::int64_t up : {0, 1})
        checkGradients({"AveragePool",
                        {x},
                        {{"kernel_shape", List{3, 3}},
                         {"strides", List{2, 2}},
                         {"pads", List{1, 1, 0, 1}},
                         {"count_include_pad", std::int64_t{1}},
                         {"ceil_mode", up}}});
    checkGradients({"GlobalAveragePool", {x}});
    checkGradients({"GlobalMaxPool", {x}});
}
