// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;

namespace {

const Plan kPlan{"models/a \"b\".safetensors",
                 {"*.q_proj.*|*.k_proj.*", "lm_head.*"},
                 {{"rtn", {{"bits", "4"}, {"group", "128"}}}, {"q4_0", {}}, {"x", {{"text", "a,b:c=d"}}}},
                 18'446'744'073'709'551'615u};

Error errorOf(Json json) {
    const auto plan = planFromJson(json);
    REQUIRE_FALSE(plan);
    return plan.error();
}

TensorInfo tensorInfo(std::string name, DType type, Shape shape) { return {std::move(name), type, std::move(shape), 0, 0, 0}; }

} // namespace

TEST_CASE("a plan survives being written and read", "[plan]") {
    CHECK(*planFromJson(toJson(kPlan)) == kPlan);
    CHECK(*planFromJson(toJson(Plan{})) == Plan{});
    const auto text = toJson(kPlan).dump(2);
    const auto parsed = parseJson(text);
    REQUIRE(parsed);
    CHECK(*planFromJson(*parsed) == kPlan);
}

TEST_CASE("a plan keeps its importance matrix and its rules for tensors", "[plan]") {
    Plan plan = kPlan;
    plan.importance = "models/a.imatrix";
    plan.rules = {{"*.attn_v.*", {"q6_k", {}}}, {"blk.0.*", {"rtn", {{"bits", "8"}}}}, {"output.weight", {"keep", {}}}};
    CHECK(*planFromJson(toJson(plan)) == plan);
    CHECK_FALSE(toJson(kPlan).contains("rules"));
    for (const char* text : {R"([1])", R"([{"tensors":"a"}])", R"([{"tensors":"a","method":{"id":"x"}}])", R"({})"}) {
        Json json = toJson(kPlan);
        json["rules"] = *parseJson(text);
        CHECK(errorOf(json).code == ErrorCode::Malformed);
    }
    CHECK(parseTensorRule("*.attn_v.*=rtn:bits=8,group=64") == TensorRule{"*.attn_v.*", {"rtn", {{"bits", "8"}, {"group", "64"}}}});
    CHECK_FALSE(parseTensorRule("q6_k"));
    CHECK_FALSE(parseTensorRule("=q6_k"));
}

TEST_CASE("parameters of a plan may be written as numbers and flags", "[plan]") {
    Json json = toJson(kPlan);
    json["methods"][0]["parameters"] = {{"bits", 4}, {"symmetric", false}, {"damp", 0.5}, {"scale", "f16"}};
    const auto plan = planFromJson(json);
    REQUIRE(plan);
    CHECK(plan->methods[0].parameters ==
          std::map<std::string, std::string>{{"bits", "4"}, {"symmetric", "false"}, {"damp", "0.5"}, {"scale", "f16"}});
}

TEST_CASE("a plan with a missing, wrong or unknown field is refused by its name", "[plan]") {
    for (const char* key : {"quantoscope_plan", "source", "selectors", "methods", "seed"}) {
        INFO(key);
        Json missing = toJson(kPlan);
        missing.erase(key);
        CHECK(errorOf(missing).message == fmt::format("plan: '{}' is missing", key));
        Json wrong = toJson(kPlan);
        wrong[key] = Json{{"a", 1}};
        CHECK(errorOf(wrong).code == ErrorCode::Malformed);
        CHECK(errorOf(wrong).message.find(key) != std::string::npos);
        wrong[key] = nullptr;
        CHECK(errorOf(wrong).code == ErrorCode::Malformed);
    }
    Json json = toJson(kPlan);
    json["extra"] = 1;
    CHECK(errorOf(json).message == "plan: 'extra' is unknown");
    json = toJson(kPlan);
    json["seed"] = -1;
    CHECK(errorOf(json).code == ErrorCode::Malformed);
    json = toJson(kPlan);
    json["quantoscope_plan"] = 2;
    CHECK(errorOf(json).code == ErrorCode::Unsupported);
    json = toJson(kPlan);
    json["selectors"].push_back(3);
    CHECK(errorOf(json).code == ErrorCode::Malformed);
    for (const Json& method : {Json("rtn"), Json{{"id", "rtn"}}, Json{{"id", 4}, {"parameters", Json::object()}},
                               Json{{"id", "rtn"}, {"parameters", Json::array()}},
                               Json{{"id", "rtn"}, {"parameters", {{"bits", Json::array()}}}},
                               Json{{"id", "rtn"}, {"parameters", Json::object()}, {"more", 1}}}) {
        INFO(method.dump());
        json = toJson(kPlan);
        json["methods"].push_back(method);
        CHECK(errorOf(json).code == ErrorCode::Malformed);
    }
    for (const Json& other : {Json(), Json(3), Json("plan"), Json::array()}) CHECK(errorOf(other).code == ErrorCode::Malformed);
}

TEST_CASE("without selectors a plan takes the matrices of layers, with them what they match", "[plan]") {
    Checkpoint checkpoint;
    checkpoint.tensors = {tensorInfo("model.layers.0.self_attn.q_proj.weight", DType::F32, {64, 64}),
                          tensorInfo("model.layers.0.input_layernorm.weight", DType::F32, {64}),
                          tensorInfo("blk.0.attn_norm.weight", DType::F32, {1, 64}),
                          tensorInfo("blk.0.ffn_up.weight", DType::Q4_0, {64, 64}),
                          tensorInfo("conv.weight", DType::BF16, {8, 3, 5, 5}),
                          tensorInfo("positions", DType::I64, {4, 64}),
                          tensorInfo("column.weight", DType::F32, {64, 1}),
                          tensorInfo("phases", DType::C64, {4, 4}),
                          tensorInfo("bias", DType::F16, {64})};
    Plan plan;
    CHECK(selectTensors(plan, checkpoint) == std::vector<std::size_t>{0, 3, 4});
    plan.selectors = {"*.bias|bias", "blk.*"};
    CHECK(selectTensors(plan, checkpoint) == std::vector<std::size_t>{2, 3, 8});
    plan.selectors = {"nothing"};
    CHECK(selectTensors(plan, checkpoint).empty());
}
