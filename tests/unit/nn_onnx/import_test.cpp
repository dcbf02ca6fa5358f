// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_graph.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using nn::Value;
using test::onnxInt;
using test::onnxModel;
using test::onnxNode;
using test::onnxTensor;
using test::Proto;

namespace {

/// A graph with these inputs and outputs, of which nothing but the name is said.
Proto graphOf(const std::vector<Proto>& nodes, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs, const std::vector<Proto>& tensors = {}) {
    Proto graph;
    for (const Proto& node : nodes) graph.message(1, node);
    for (const Proto& tensor : tensors) graph.message(5, tensor);
    for (const auto& name : inputs) graph.message(11, Proto{}.text(1, name));
    for (const auto& name : outputs) graph.message(12, Proto{}.text(1, name));
    return graph;
}

Proto graphAttribute(std::string_view name, const Proto& graph) {
    return Proto{}.text(1, name).message(6, graph).number(20, 5);
}
Proto intsAttribute(std::string_view name, const std::vector<std::int64_t>& values) {
    Proto attribute;
    attribute.text(1, name);
    for (const std::int64_t value : values) attribute.number(8, value);
    return attribute.number(20, 7);
}

Result<std::vector<Value>> ran(const std::string& model, const std::vector<Value>& inputs) {
    const test::TemporaryFolder folder;
    const auto path = folder / "model.onnx";
    std::ofstream(path, std::ios::binary) << model;
    test::TestRun run;
    return runOnnx(path, inputs, run.context);
}

std::string problemOf(const std::string& model, const std::vector<Value>& inputs = {}) {
    const auto result = ran(model, inputs);
    return result ? "" : describe(result.error());
}

template<class T>
std::vector<T> listOf(const Value& value) {
    const auto found = nn::elements<T>(value);
    return {found.begin(), found.end()};
}

const Value kRow = nn::makeValue<float>({1, 3}, {1, 2, 3});

} // namespace

TEST_CASE("Attributes of old operator sets become inputs") {
    const auto squeezed =
        ran(onnxModel(graphOf({onnxNode("Squeeze", {"x"}, {"y"}, {intsAttribute("axes", {0})})}, {"x"}, {"y"}), 11),
            {kRow});
    REQUIRE(squeezed);
    CHECK((*squeezed)[0].shape() == Shape{3});
    const auto cut = ran(onnxModel(graphOf({onnxNode("Slice", {"x"}, {"y"},
                                                     {intsAttribute("starts", {1}), intsAttribute("ends", {99}),
                                                      intsAttribute("axes", {1})})},
                                           {"x"}, {"y"}),
                                   9),
                         {kRow});
    REQUIRE(cut);
    CHECK(listOf<float>((*cut)[0]) == std::vector<float>{2, 3});
}

TEST_CASE("The graphs inside a node see what is around it") {
    const Proto yes = graphOf({onnxNode("Concat", {"x", "w"}, {"yes"}, {onnxInt("axis", 1)})}, {}, {"yes"});
    const Proto no = graphOf({onnxNode("Concat", {"w", "x"}, {"no"}, {onnxInt("axis", 1)})}, {}, {"no"});
    const std::string model = onnxModel(
        graphOf({onnxNode("If", {"c"}, {"y"}, {graphAttribute("then_branch", yes), graphAttribute("else_branch", no)})},
                {"c", "x"}, {"y"}, {onnxTensor("w", 1, {1, 2}, test::bytesOf(std::vector<float>{8, 9}))}));
    for (const bool condition : {true, false}) {
        const auto result = ran(model, {nn::makeBools({}, {condition}), kRow});
        REQUIRE(result);
        CHECK(listOf<float>((*result)[0]) ==
              (condition ? std::vector<float>{1, 2, 3, 8, 9} : std::vector<float>{8, 9, 1, 2, 3}));
    }
}

TEST_CASE("A loop carries values and stacks the rest, and an endless one can be stopped") {
    // Doubles the row each turn by joining it with itself; stacks its turn.
    const Proto body = graphOf(
        {onnxNode("Concat", {"v", "v"}, {"twice"}, {onnxInt("axis", 1)}), onnxNode("Identity", {"i"}, {"turn"})},
        {"i", "c", "v"}, {"c", "twice", "turn"});
    const std::string model =
        onnxModel(graphOf({onnxNode("Loop", {"n", "", "x"}, {"y", "turns"}, {graphAttribute("body", body)})},
                          {"n", "x"}, {"y", "turns"}));
    const auto result = ran(model, {nn::makeValue<std::int64_t>({}, {2}), kRow});
    REQUIRE(result);
    CHECK((*result)[0].shape() == Shape{1, 12});
    CHECK(listOf<std::int64_t>((*result)[1]) == std::vector<std::int64_t>{0, 1});
    CHECK_THAT(problemOf(model, {nn::makeValue<std::int64_t>({}, {1000}), kRow}), Catch::Contains("larger than"));
    const Proto endless = graphOf({}, {"i", "c"}, {"c"});
    const test::TemporaryFolder folder;
    std::ofstream(folder / "model.onnx", std::ios::binary)
        << onnxModel(graphOf({onnxNode("Loop", {"", ""}, {}, {graphAttribute("body", endless)})}, {}, {}));
    test::TestRun run;
    run.stop.request_stop();
    const auto stopped = runOnnx(folder / "model.onnx", {}, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}

TEST_CASE("A function of the model is written out where it is called") {
    const Proto reference = Proto{}.text(1, "perm").text(21, "order").number(20, 7);
    const Proto function = Proto{}
                               .text(1, "Turned")
                               .text(4, "a")
                               .text(5, "b")
                               .text(6, "order")
                               .message(7, onnxNode("Transpose", {"a"}, {"t"}, {reference}))
                               .message(7, onnxNode("Identity", {"t"}, {"b"}))
                               .message(9, Proto{}.text(1, "").number(2, 21))
                               .text(10, "mine");
    std::string model = onnxModel(graphOf({onnxNode("Turned", {"x"}, {"t"}, {intsAttribute("order", {1, 0})}, "mine"),
                                           onnxNode("Turned", {"t"}, {"y"}, {intsAttribute("order", {0, 1})}, "mine")},
                                          {"x"}, {"y"}));
    const auto result = ran(Proto{model}.message(25, function).data, {kRow});
    REQUIRE(result);
    CHECK((*result)[0].shape() == Shape{3, 1});
    const Proto endless = Proto{}
                              .text(1, "Turned")
                              .text(4, "a")
                              .text(5, "b")
                              .message(7, onnxNode("Turned", {"a"}, {"b"}, {}, "mine"))
                              .text(10, "mine");
    CHECK_THAT(problemOf(Proto{model}.message(25, endless).data, {kRow}), Catch::Contains("too deeply"));
}

TEST_CASE("Integers of four bits keep their range") {
    // Codes -8 and 7 in one byte; quantizing 100 to INT4 gives 7.
    const std::string model = onnxModel(
        graphOf({onnxNode("DequantizeLinear", {"q", "s"}, {"y"}), onnxNode("QuantizeLinear", {"x", "s", "z"}, {"r"})},
                {"x"}, {"y", "r"},
                {onnxTensor("q", 22, {2}, "\x78"), onnxTensor("s", 1, {}, test::bytesOf(std::vector<float>{0.5F})),
                 onnxTensor("z", 22, {}, std::string_view("\0", 1))}));
    const auto result = ran(model, {nn::makeValue<float>({2}, {100, -1.3F})});
    REQUIRE(result);
    CHECK(listOf<float>((*result)[0]) == std::vector<float>{-4, 3.5F});
    CHECK(listOf<std::int8_t>((*result)[1]) == std::vector<std::int8_t>{7, -3});
}

TEST_CASE("Models that make no sense are refused in one line") {
    const auto model = [](const std::vector<Proto>& nodes, std::int64_t opset = 21) {
        return onnxModel(graphOf(nodes, {"x"}, {"y"}), opset);
    };
    CHECK_THAT(problemOf(model({onnxNode("Frobnicate", {"x"}, {"y"})}), {kRow}),
               Catch::Contains("Frobnicate of ai.onnx (operator set 21) is not done"));
    CHECK_THAT(problemOf(model({onnxNode("Frobnicate", {"x"}, {"y"}, {}, "ai.strange")}), {kRow}),
               Catch::Contains("Frobnicate of ai.strange"));
    CHECK_THAT(problemOf(model({onnxNode("Identity", {"x"}, {"y"})}, 5), {kRow}), Catch::Contains("older than 7"));
    CHECK_THAT(problemOf(model({onnxNode("Identity", {"b"}, {"a"}), onnxNode("Identity", {"a"}, {"b"}),
                                onnxNode("Identity", {"x"}, {"y"})}),
                         {kRow}),
               Catch::Contains("'b' is used, which nothing before it gives"));
    CHECK_THAT(problemOf(model({onnxNode("Identity", {"x"}, {"y"}), onnxNode("Identity", {"x"}, {"y"})}), {kRow}),
               Catch::Contains("two values"));
    CHECK_THAT(problemOf(model({}), {kRow}), Catch::Contains("'y' is used"));
    CHECK_THAT(problemOf(model({onnxNode("Reshape", {"x", ""}, {"y"})}), {kRow}),
               Catch::Contains("does not take 1 inputs"));
    CHECK_THAT(problemOf(model({onnxNode("Concat", {"x", "", "x"}, {"y"}, {onnxInt("axis", 0)})}), {kRow}),
               Catch::Contains("is missing"));
    const std::string huge =
        onnxModel(graphOf({onnxNode("ConstantOfShape", {"s"}, {"y"})}, {}, {"y"},
                          {onnxTensor("s", 7, {2}, test::bytesOf(std::vector<std::int64_t>{1 << 30, 1 << 30}))}));
    CHECK_THAT(problemOf(huge), Catch::Contains("is larger than"));
}

TEST_CASE("A damaged model never does more than fail") {
    const std::string whole =
        onnxModel(graphOf({onnxNode("Concat", {"x", "w"}, {"c"}, {onnxInt("axis", 1)}),
                           onnxNode("Transpose", {"c"}, {"y"}, {intsAttribute("perm", {1, 0})})},
                          {"x"}, {"y"}, {onnxTensor("w", 1, {1, 2}, test::bytesOf(std::vector<float>{8, 9}))}));
    REQUIRE(ran(whole, {kRow}));
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
        static_cast<void>(ran(damaged, {kRow}));
        static_cast<void>(ran(whole.substr(0, at), {kRow}));
    }
}
