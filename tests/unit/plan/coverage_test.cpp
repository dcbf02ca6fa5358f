// SPDX-License-Identifier: GPL-3.0-or-later
// What a calibration reached, on calibrations made by hand.
#include "engine/plan/coverage.h"

#include "engine/plan/plan_inputs.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;

namespace {

std::shared_ptr<InputStatistics> inputs(std::int64_t channels, std::int64_t tokens, std::int64_t silent) {
    auto made = std::make_shared<InputStatistics>();
    made->channels = channels;
    made->tokens = tokens;
    made->channelMax.assign(static_cast<std::size_t>(channels), 1.0F);
    std::fill_n(made->channelMax.begin(), silent, 0.0F);
    return made;
}

/// A catalogue alone: three layers with two experts each, and an embedding.
Checkpoint experts() {
    Checkpoint checkpoint;
    const auto add = [&](std::string name, Shape shape) {
        checkpoint.tensors.push_back({std::move(name), DType::F32, std::move(shape)});
    };
    add("model.embed_tokens.weight", {16, 8});
    for (int layer = 0; layer < 3; ++layer) {
        const std::string block = fmt::format("model.layers.{}.", layer);
        add(block + "self_attn.o_proj.weight", {8, 8});
        add(block + "input_layernorm.weight", {8});
        for (int expert = 0; expert < 2; ++expert)
            add(fmt::format("{}mlp.experts.{}.w1.weight", block, expert), {24, 8});
    }
    return checkpoint;
}

Calibration calibrationOfExperts() {
    Calibration calibration;
    for (int layer = 0; layer < 3; ++layer) {
        const std::string block = fmt::format("model.layers.{}.", layer);
        calibration.inputs[block + "self_attn.o_proj.weight"] = inputs(8, 32, layer == 1 ? 3 : 0);
        calibration.inputs[block + "mlp.experts.0.w1.weight"] = inputs(8, 30, 0);
        if (layer != 2) calibration.inputs[block + "mlp.experts.1.w1.weight"] = inputs(8, layer == 0 ? 2 : 7, 0);
    }
    return calibration;
}

} // namespace

TEST_CASE("Coverage lists the linear layers, with those that no token reached") {
    const Checkpoint checkpoint = experts();
    const auto weights = coverage(checkpoint, calibrationOfExperts());
    REQUIRE(weights.size() == 9); // neither embedding nor norms
    CHECK(weights[0].name == "model.layers.0.self_attn.o_proj.weight");
    CHECK(weights[0].tensor == 1U);
    CHECK(weights[0].layer == 0);
    CHECK_FALSE(weights[0].expert);
    const auto& expert = weights[2];
    CHECK(expert.module == "mlp.experts.*.w1");
    CHECK(expert.expert == 1);
    REQUIRE(expert.seen);
    CHECK(expert.seen->tokens == 2);
    CHECK(weights.back().name == "model.layers.2.mlp.experts.1.w1.weight");
    CHECK_FALSE(weights.back().seen);
}

TEST_CASE("Gaps count what the plan's weights miss") {
    const Checkpoint checkpoint = experts();
    const Calibration calibration = calibrationOfExperts();
    CHECK(coverageGaps({}, checkpoint, calibration) == CoverageGaps{1, 2, 8, 2, 1, 3});
    Plan plan;
    plan.selectors = {"*.layers.0.*"};
    CHECK(coverageGaps(plan, checkpoint, calibration) == CoverageGaps{0, 1, 8, 2, 0, 0});
    plan.rules = {{"*experts*", {"keep", {}}}};
    CHECK(coverageGaps(plan, checkpoint, calibration) == CoverageGaps{});
}

TEST_CASE("Coverage finds the weights of a GGUF file by their common names") {
    Checkpoint checkpoint;
    checkpoint.format = "gguf";
    checkpoint.architecture = "llama";
    checkpoint.naming = Naming::Gguf;
    checkpoint.tensors.push_back({"blk.3.ffn_up.weight", DType::F32, {24, 8}});
    checkpoint.tensors.push_back({"blk.4.ffn_up.weight", DType::F32, {24, 8}});
    Calibration calibration;
    calibration.inputs["model.layers.3.mlp.up_proj.weight"] = inputs(8, 64, 1);
    const auto weights = coverage(checkpoint, calibration);
    REQUIRE(weights.size() == 2);
    CHECK(weights[0].tensor == 0U);
    CHECK(weights[0].seen);
    CHECK(weights[1].name == "model.layers.4.mlp.up_proj.weight");
    CHECK_FALSE(weights[1].seen);
}

TEST_CASE("A plan's settings ask for the second moments that its methods need") {
    test::SampleModel sample;
    Plan plan = sample.plan({"rtn"});
    plan.calibration.text = sample.page;
    CHECK(calibrationSettings(plan, *sample.checkpoint, sample.registries).value() == plan.calibration);
    plan.methods[0].id = "nothing";
    CHECK_FALSE(calibrationSettings(plan, *sample.checkpoint, sample.registries));
}
