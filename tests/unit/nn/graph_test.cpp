// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/builder.h"
#include "engine/nn/graph/execution.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;

namespace {

/// Holds one weight, and counts how often it is asked for.
struct OneWeight : WeightSource {
    Result<Value> weight(std::string_view name, Precision precision) const override {
        ++asked;
        if (name != "w") return fail(ErrorCode::OutOfRange, "there is no weight '{}'", name);
        return converted(makeValue<float>({2}, {1.5F, -2.0F}), dtypeOf(precision));
    }
    mutable int asked = 0;
};

/// Replaces an edge, or what one node sees of it.
struct Replacing : Observer {
    bool wants(const Graph&, ValueId edge) override { return edge == replaced; }
    Result<Value> value(const Graph&, ValueId, Value) override { return replacement; }
    bool wantsUse(const Graph&, const Node& node, std::size_t) override { return node.name == usedBy; }
    Result<Value> use(const Graph&, const Node&, std::size_t, Value) override { return replacement; }

    ValueId replaced = kAbsent;
    std::string usedBy;
    Value replacement = makeValue<float>({2}, {7, 8});
};

std::vector<float> listOf(const Value& value) {
    const auto found = elements<float>(value);
    return {found.begin(), found.end()};
}

} // namespace

TEST_CASE("A graph passes inputs, weights and constants through its nodes") {
    GraphBuilder builder;
    const ValueId x = builder.input("x");
    builder.output(builder.add("Identity", "a", {x}));
    builder.output(builder.add("Identity", "b", {builder.weight("w")}));
    builder.output(builder.add("Identity", "c", {builder.constant("k", makeValue<float>({1}, {3}))}));
    const auto graph = builder.finish();
    REQUIRE(graph);
    test::TestRun run;
    const OneWeight weights;
    const auto outputs = runGraph(**graph, std::vector{makeValue<float>({2}, {4, 5})}, weights, run.context);
    REQUIRE(outputs);
    CHECK(listOf((*outputs)[0]) == std::vector<float>{4, 5});
    CHECK(listOf((*outputs)[1]) == std::vector<float>{1.5F, -2});
    CHECK(listOf((*outputs)[2]) == std::vector<float>{3});
    CHECK(weights.asked == 1);

    const auto wide =
        runGraph(**graph, std::vector{makeValue<double>({1}, {4})}, weights, run.context, {Precision::Double});
    REQUIRE(wide);
    CHECK((*wide)[1].dtype() == DType::F64);
    CHECK((*wide)[2].dtype() == DType::F64);
}

TEST_CASE("An observer replaces an edge for all its users, or for one of them") {
    GraphBuilder builder;
    const ValueId x = builder.input("x");
    builder.output(builder.add("Identity", "a", {x}));
    builder.output(builder.add("Identity", "b", {x}));
    const auto graph = builder.finish();
    REQUIRE(graph);
    test::TestRun run;
    const OneWeight weights;
    const std::vector given{makeValue<float>({2}, {4, 5})};

    Replacing everywhere;
    everywhere.replaced = x;
    auto outputs = runGraph(**graph, given, weights, run.context, {Precision::Single, &everywhere});
    REQUIRE(outputs);
    CHECK(listOf((*outputs)[0]) == std::vector<float>{7, 8});
    CHECK(listOf((*outputs)[1]) == std::vector<float>{7, 8});

    Replacing once;
    once.usedBy = std::string("b");
    outputs = runGraph(**graph, given, weights, run.context, {Precision::Single, &once});
    REQUIRE(outputs);
    CHECK(listOf((*outputs)[0]) == std::vector<float>{4, 5});
    CHECK(listOf((*outputs)[1]) == std::vector<float>{7, 8});

    everywhere.replacement = makeValue<float>({1}, {7});
    const auto wrong = runGraph(**graph, given, weights, run.context, {Precision::Single, &everywhere});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == ErrorCode::OutOfRange);
}

TEST_CASE("Edges are dropped after their last use unless they are kept") {
    GraphBuilder builder;
    const ValueId x = builder.input("x");
    const ValueId a = builder.add("Identity", "a", {x});
    const ValueId b = builder.add("Identity", "b", {a});
    builder.output(b);
    const auto graph = builder.finish();
    REQUIRE(graph);
    test::TestRun run;
    const OneWeight weights;
    Execution execution(**graph, weights, run.context);
    REQUIRE(execution.set(x, makeValue<float>({1}, {4})));
    REQUIRE(execution.run(0, 1));
    CHECK(execution.find(x) == nullptr);
    CHECK(execution.find(a) != nullptr);
    REQUIRE(execution.run(1, 2));
    CHECK(execution.find(a) == nullptr);
    CHECK(execution.find(b) != nullptr);
}

TEST_CASE("A graph that is built wrongly says what is wrong") {
    GraphBuilder unknown;
    const ValueId x = unknown.input("x");
    unknown.output(unknown.add("Frobnicate", "a", {x}));
    const auto graph = unknown.finish();
    REQUIRE_FALSE(graph);
    CHECK(graph.error().message == "operator Frobnicate (node 'a') is not known");

    GraphBuilder twice;
    (void)twice.input("x");
    (void)twice.input("x");
    CHECK_FALSE(twice.finish());
}

TEST_CASE("Conversions saturate at the range of integers and keep NaN out of them") {
    const auto bytes = converted(makeValue<float>({4}, {300, -300, NAN, 1.9F}), DType::I8);
    REQUIRE(bytes);
    const auto found = elements<std::int8_t>(*bytes);
    CHECK(std::vector<int>(found.begin(), found.end()) == std::vector<int>{127, -128, 0, 1});
    const auto half = converted(makeValue<double>({2}, {1.0 / 3, 70000}), DType::F16);
    REQUIRE(half);
    const auto back = converted(*half, DType::F32);
    REQUIRE(back);
    CHECK(elements<float>(*back)[0] == 0.33325195F);
    CHECK(std::isinf(elements<float>(*back)[1]));
}
