// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/model_config.h"

#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;

namespace {

ModelConfig configFrom(const std::string& fields, const std::string& type = "llama") {
    const auto json = parseJson(R"({"model_type": ")" + type +
                                R"(", "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4)" +
                                (fields.empty() ? "" : ", " + fields) + "}");
    REQUIRE(json);
    const auto model = modelFromJson(*json);
    REQUIRE(model.config);
    return *model.config;
}

} // namespace

TEST_CASE("a description's rotary scaling is read, from either of the words that Hugging Face has had for it") {
    const auto old = configFrom(R"("rope_scaling": {"type": "linear", "factor": 4.0})");
    CHECK(old.rope.kind == RopeScaling::Kind::Linear);
    CHECK(old.rope.factor == 4);
    const auto now = configFrom(
        R"("rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8, "low_freq_factor": 1.5,
        "high_freq_factor": 5, "original_max_position_embeddings": 8192})");
    CHECK(now.rope.kind == RopeScaling::Kind::Llama3);
    CHECK(now.ropeBase == 500000);
    CHECK(now.rope.lowFrequency == 1.5);
    CHECK(now.rope.highFrequency == 5);
    CHECK(now.rope.originalContext == 8192);
    const auto lists = configFrom(
        R"("original_max_position_embeddings": 4096, "rope_scaling": {"type": "su", "short_factor": [1, 2], "long_factor": [3, "x"]})");
    CHECK(lists.rope.kind == RopeScaling::Kind::LongRope);
    CHECK(lists.rope.originalContext == 4096);
    CHECK(lists.rope.shortFactors == std::vector<double>{1, 2});
    CHECK(lists.rope.longFactors == std::vector<double>{3, 0}); // refused when it is used
    CHECK(configFrom(R"("rope_scaling": {"type": "spiral"})").rope.kind == RopeScaling::Kind::Unknown);
    CHECK(configFrom(R"("rope_scaling": null)").rope.kind == RopeScaling::Kind::None);
    CHECK(configFrom(R"("rope_scaling": {"type": "yarn", "factor": -1})").rope.factor == 1);
}

TEST_CASE("which layers have a window follows from a list, or from the family's counting") {
    CHECK(configFrom(R"("sliding_window": 8)", "mistral").window == 8);
    CHECK(configFrom(R"("sliding_window": 8, "use_sliding_window": false)", "qwen2").window == 0);
    CHECK(configFrom(R"("sliding_window": 8, "use_sliding_window": true, "max_window_layers": 3)", "qwen2").windowed ==
          std::vector<std::uint8_t>{0, 0, 0, 1});
    const auto listed = configFrom(R"("layer_types": ["full_attention", "sliding_attention", "linear_attention"])");
    CHECK(listed.windowed == std::vector<std::uint8_t>{0, 1, 0});
    CHECK(listed.unsupported == std::vector<std::string>{"layer type 'linear_attention'"});
}

TEST_CASE("what single families say is read") {
    CHECK(configFrom(R"("partial_rotary_factor": 0.5)").rotated == 8);
    CHECK(configFrom(R"("hidden_act": "gelu", "hidden_activation": null)", "gemma").activation.empty());
    CHECK(configFrom(R"("hidden_act": "gelu")", "bert").activation == "gelu");
    CHECK(configFrom(R"("eos_token_id": [7, 9, -1])").endTokens == std::vector<std::int64_t>{7, 9});
    CHECK(configFrom(R"("eos_token_id": 2)").endTokens == std::vector<std::int64_t>{2});
    const auto mamba = configFrom(R"("time_step_rank": "auto")", "mamba");
    CHECK(mamba.timeStepRank == 4);
    CHECK(mamba.hidden == 128);
    CHECK(configFrom(R"("scale_attn_by_inverse_layer_idx": true)", "gpt2").unsupported.size() == 1);
    CHECK(configFrom(R"("layer_norm_eps": 1e-12)", "bert").normEpsilon == 1e-12);
}

TEST_CASE("settings of a description that cannot be meant are named") {
    test::TemporaryFolder folder;
    std::ofstream(folder / "config.json") << R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": "two",
        "num_attention_heads": -4, "sliding_window": null, "rope_theta": "x", "rms_norm_eps": 1e-5, "head_dim": 0})";
    Diagnostics notes;
    const auto model = modelBeside(folder / "model.safetensors", {}, notes);
    REQUIRE(model.config);
    CHECK(model.config->width == 64);
    CHECK(model.config->ropeBase == ModelConfig{}.ropeBase);
    std::string said;
    for (const auto& entry : notes.entries()) said += entry.message;
    for (const std::string key : {"'num_hidden_layers'", "'num_attention_heads'", "'rope_theta'"})
        CHECK(said.find(key) != said.npos);
    CHECK(notes.entries().size() == 3);
}

TEST_CASE("rotary scaling passes between both worlds, where both have words for it") {
    const auto& family = *architectureInHuggingFace("llama");
    auto config =
        configFrom(R"("rope_scaling": {"rope_type": "yarn", "factor": 16, "original_max_position_embeddings": 4096})");
    const auto metadata = toMetadata(config, family);
    const auto back = modelFromMetadata(metadata, "llama");
    REQUIRE(back);
    CHECK(back->rope.kind == RopeScaling::Kind::Yarn);
    CHECK(back->rope.factor == 16);
    CHECK(back->rope.originalContext == 4096);
    const auto again = modelFromJson(toJson(*back, family));
    REQUIRE(again.config);
    CHECK(again.config->rope.kind == RopeScaling::Kind::Yarn);
    CHECK(again.config->rope.originalContext == 4096);
    config = configFrom(R"("rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 2})");
    CHECK(modelFromJson(toJson(config, family)).config->rope.lowFrequency == 2);
}
