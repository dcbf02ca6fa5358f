// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_graph.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
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

TEST_CASE("A scan takes slices from either end and stacks what it makes") {
    const Proto body = graphOf({onnxNode("Add", {"sum", "slice"}, {"next"}), onnxNode("Identity", {"next"}, {"row"})},
                               {"sum", "slice"}, {"next", "row"});
    const auto scanned = [&](std::int64_t direction) {
        return ran(onnxModel(graphOf({onnxNode("Scan", {"start", "x"}, {"last", "all"},
                                               {graphAttribute("body", body), onnxInt("num_scan_inputs", 1),
                                                intsAttribute("scan_input_axes", {1}),
                                                intsAttribute("scan_input_directions", {direction}),
                                                intsAttribute("scan_output_axes", {1})})},
                                     {"start", "x"}, {"last", "all"})),
                   {nn::makeValue<float>({1}, {10}), kRow});
    };
    const auto forward = scanned(0), backward = scanned(1);
    REQUIRE(forward);
    REQUIRE(backward);
    CHECK(listOf<float>((*forward)[0]) == std::vector<float>{16});
    CHECK((*forward)[1].shape() == Shape{1, 3});
    CHECK(listOf<float>((*forward)[1]) == std::vector<float>{11, 13, 16});
    CHECK(listOf<float>((*backward)[1]) == std::vector<float>{13, 15, 16});
}

TEST_CASE("A graph two levels inside sees the outermost values") {
    const Proto innermost = graphOf({onnxNode("Add", {"x", "w"}, {"s"})}, {}, {"s"});
    const Proto other = graphOf({onnxNode("Identity", {"w"}, {"o"})}, {}, {"o"});
    const Proto middle =
        graphOf({onnxNode("If", {"c"}, {"m"},
                          {graphAttribute("then_branch", innermost), graphAttribute("else_branch", other)})},
                {}, {"m"});
    const auto result =
        ran(onnxModel(graphOf({onnxNode("If", {"c"}, {"y"},
                                        {graphAttribute("then_branch", middle), graphAttribute("else_branch", other)})},
                              {"c", "x"}, {"y"}, {onnxTensor("w", 1, {1}, test::bytesOf(std::vector<float>{0.5F}))})),
            {nn::makeBools({}, {1}), kRow});
    REQUIRE(result);
    CHECK(listOf<float>((*result)[0]) == std::vector<float>{1.5F, 2.5F, 3.5F});
}

TEST_CASE("Softmax before operator set 13 takes all axes from its own on as one") {
    const Value x = nn::makeValue<float>({1, 2, 2}, {0, 0, 0, std::log(5.F)});
    const auto model = [](std::int64_t opset) {
        return onnxModel(graphOf({onnxNode("Softmax", {"x"}, {"y"}, {onnxInt("axis", 1)})}, {"x"}, {"y"}), opset);
    };
    const auto old = ran(model(11), {x}), now = ran(model(13), {x});
    REQUIRE(old);
    REQUIRE(now);
    const auto sums = [](const Value& y) {
        const auto e = listOf<float>(y);
        return std::vector<double>{e[0], e[3]};
    };
    CHECK((*old)[0].shape() == Shape{1, 2, 2});
    CHECK(sums((*old)[0])[0] == Approx(1 / 8.0)); // 1 + 1 + 1 + 5
    CHECK(sums((*old)[0])[1] == Approx(5 / 8.0));
    CHECK(sums((*now)[0])[0] == Approx(1 / 2.0)); // along the axis alone: 1 + 1 and 1 + 5
    CHECK(sums((*now)[0])[1] == Approx(5 / 6.0));
}

TEST_CASE("MatMulNBits multiplies by the weight that its codes make") {
    // Codes 1 to 8 less the middle, 8: rows -7..-4 and -3..0, by scales of 1 and 0.5.
    const Proto node =
        onnxNode("MatMulNBits", {"x", "b", "s"}, {"y"},
                 {onnxInt("K", 4), onnxInt("N", 2), onnxInt("bits", 4), onnxInt("block_size", 4)}, "com.microsoft");
    const auto result = ran(onnxModel(graphOf({node}, {"x"}, {"y"},
                                              {onnxTensor("b", 2, {2, 1, 2}, "\x21\x43\x65\x87"),
                                               onnxTensor("s", 1, {2}, test::bytesOf(std::vector<float>{1, 0.5F}))})),
                            {nn::makeValue<float>({1, 1, 4}, {1, 2, 3, 4})});
    REQUIRE(result);
    CHECK((*result)[0].shape() == Shape{1, 1, 2});
    CHECK(listOf<float>((*result)[0]) == std::vector<float>{-7 - 12 - 15 - 16, (-3 - 4 - 3) * 0.5F});
}

TEST_CASE("Weights keep their names, and what would take one of them gets another") {
    const test::TemporaryFolder folder;
    const Proto named = Proto{onnxNode("Identity", {"x"}, {"h"})}.text(3, "twin");
    std::ofstream(folder / "model.onnx", std::ios::binary)
        << onnxModel(graphOf({named, Proto{onnxNode("Add", {"h", "w"}, {"y"})}.text(3, "twin")}, {"x"}, {"y"},
                             {onnxTensor("w", 1, {1, 3}, test::bytesOf(std::vector<float>{1, 1, 1}))}));
    Diagnostics notes;
    const auto network = openOnnxNetwork(folder / "model.onnx", {}, notes);
    REQUIRE(network);
    const nn::Graph& graph = *network->graph;
    const auto weight = graph.find("w");
    REQUIRE(weight);
    CHECK(graph.values[static_cast<std::size_t>(*weight)].role == nn::ValueRole::Weight);
    CHECK(graph.nodes[0].name == "twin");
    CHECK(graph.nodes[1].name == "twin#2");
    CHECK(network->inputs.size() == 1);
    const auto wide = network->weights->weight("w", Precision::Double);
    REQUIRE(wide);
    CHECK(wide->dtype() == DType::F64);
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
