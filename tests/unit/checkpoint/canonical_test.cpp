// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/canonical.h"
#include "engine/registry.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

Registries allReaders() {
    Registries registries;
    REQUIRE(registries.readers.add(makeSafetensorsReader()));
    REQUIRE(registries.readers.add(makeGgufReader()));
    REQUIRE(registries.readers.add(makeLlama2cReader()));
    return registries;
}

std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path) {
    Diagnostics notes;
    const auto opened = openCheckpoint(path, allReaders(), notes);
    REQUIRE(opened);
    return *opened;
}

bool sameBytes(const TensorView& a, const TensorView& b) {
    return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

/// The definition of formats.md, section 1.1, on one column of row numbers.
std::vector<float> interleavedRows(std::int64_t rows, std::int64_t heads) {
    const std::int64_t headSize = rows / heads;
    std::vector<float> order(static_cast<std::size_t>(rows));
    for (std::int64_t head = 0; head < heads; ++head)
        for (std::int64_t i = 0; i < headSize / 2; ++i) {
            order[static_cast<std::size_t>(head * headSize + 2 * i)] = static_cast<float>(head * headSize + i);
            order[static_cast<std::size_t>(head * headSize + 2 * i + 1)] = static_cast<float>(head * headSize + i + headSize / 2);
        }
    return order;
}

} // namespace

TEST_CASE("names translate both ways and unknown ones stay") {
    Checkpoint gguf;
    gguf.naming = Naming::Gguf;
    const std::pair<const char*, const char*> names[] = {
        {"token_embd.weight", "model.embed_tokens.weight"},
        {"output_norm.weight", "model.norm.weight"},
        {"output.weight", "lm_head.weight"},
        {"blk.3.attn_norm.weight", "model.layers.3.input_layernorm.weight"},
        {"blk.12.attn_q.weight", "model.layers.12.self_attn.q_proj.weight"},
        {"blk.0.attn_k.bias", "model.layers.0.self_attn.k_proj.bias"},
        {"blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"},
        {"blk.0.attn_output.weight", "model.layers.0.self_attn.o_proj.weight"},
        {"blk.0.ffn_norm.weight", "model.layers.0.post_attention_layernorm.weight"},
        {"blk.0.ffn_gate.weight", "model.layers.0.mlp.gate_proj.weight"},
        {"blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight"},
        {"blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"},
    };
    for (const auto& [there, here] : names) {
        CHECK(canonicalName(gguf, there) == here);
        CHECK(ggufName(here) == there);
    }
    for (const char* unknown : {"blk.x.attn_q.weight", "blk..attn_q.weight", "blk.3", "blk.3.ffn_gate_exps.weight", "rope_freqs.weight",
                                "attn_q.weight", "token_embd", ""})
        CHECK(canonicalName(gguf, unknown) == unknown);
    CHECK(ggufName("model.layers.0.mlp.experts.3.up_proj.weight") == "model.layers.0.mlp.experts.3.up_proj.weight");
    Checkpoint other;
    CHECK(canonicalName(other, "blk.3.attn_q.weight") == "blk.3.attn_q.weight");
}

TEST_CASE("rotary rows follow their definition and come back") {
    for (const auto& [rows, heads] : {std::pair<std::int64_t, std::int64_t>{16, 2}, {12, 3}, {64, 8}}) {
        std::vector<float> column(static_cast<std::size_t>(rows));
        std::iota(column.begin(), column.end(), 0.0f);
        const TensorView split = makeTensor({rows, 1}, column);
        const auto paired = withRopeLayout(split, heads, RopeLayout::HalfSplit, RopeLayout::Interleaved);
        REQUIRE(paired);
        CHECK(sameBytes(*paired, makeTensor({rows, 1}, interleavedRows(rows, heads))));
        const auto back = withRopeLayout(*paired, heads, RopeLayout::Interleaved, RopeLayout::HalfSplit);
        REQUIRE(back);
        CHECK(sameBytes(*back, split));
    }
    const TensorView bias = makeTensor({4}, {0, 1, 2, 3});
    CHECK(sameBytes(*withRopeLayout(bias, 1, RopeLayout::HalfSplit, RopeLayout::Interleaved), makeTensor({4}, {0, 2, 1, 3})));
    CHECK(withRopeLayout(bias, 0, RopeLayout::HalfSplit, RopeLayout::Interleaved)->bytes.data() == bias.bytes.data());
    CHECK_FALSE(withRopeLayout(bias, 3, RopeLayout::HalfSplit, RopeLayout::Interleaved));
    CHECK_FALSE(withRopeLayout(bias, 4, RopeLayout::HalfSplit, RopeLayout::Interleaved));
}

TEST_CASE("packed rows move whole") {
    std::vector<std::byte> blocks(4 * 2 * 18);
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i / 36); // the row's number
    const TensorView packed = makeTensor(DType::Q4_0, {4, 64}, blocks);
    const auto moved = withRopeLayout(packed, 1, RopeLayout::HalfSplit, RopeLayout::Interleaved);
    REQUIRE(moved);
    for (std::size_t i = 0; i < blocks.size(); ++i)
        REQUIRE(moved->bytes[i] == static_cast<std::byte>(std::array{0, 2, 1, 3}[i / 36]));
    const TensorView crossing = makeTensor(DType::Q4_0, {32}, std::vector<std::byte>(18));
    CHECK_FALSE(withRopeLayout(crossing, 1, RopeLayout::HalfSplit, RopeLayout::Interleaved));
}

TEST_CASE("one model in three formats has the same weights, bit by bit") {
    const auto folder = realData("llm-llama/hf");
    if (!folder) return;
    const auto reference = open(*folder);
    REQUIRE(reference->tensors.size() == 47);
    for (const char* name : {"llm-llama/stories260K.bin", "llm-llama/stories260K-f32.gguf"}) {
        INFO(name);
        const auto other = open(*realData(name));
        REQUIRE(other->tensors.size() == reference->tensors.size());
        for (std::size_t i = 0; i < other->tensors.size(); ++i) {
            const auto match = reference->find(canonicalName(*other, other->tensors[i].name));
            REQUIRE(match);
            const auto view = viewInLayout(*other, i, RopeLayout::HalfSplit);
            REQUIRE(view);
            INFO(other->tensors[i].name);
            CHECK(sameBytes(*view, reference->view(*match)));
        }
        REQUIRE(other->config);
        CHECK(other->config->heads == reference->config->heads);
        CHECK(other->config->kvHeads == reference->config->kvHeads);
        CHECK(other->config->hidden == reference->config->hidden);
        CHECK(other->config->vocabulary == reference->config->vocabulary);
        CHECK(other->config->context == reference->config->context);
        CHECK(other->config->tiedOutput == reference->config->tiedOutput);
    }
}

TEST_CASE("the llama2.c tokenizer becomes the one that the GGUF file of the same model has") {
    const auto path = realData("llm-llama/stories260K.bin");
    if (!path) return;
    const auto llama2c = open(*path), gguf = open(*realData("llm-llama/stories260K-f32.gguf"));
    for (const auto& [key, value] : gguf->metadata) {
        if (!key.starts_with("tokenizer.")) continue;
        INFO(key);
        const auto* same = find(llama2c->metadata, key);
        REQUIRE(same);
        CHECK(same->type == value.type);
        CHECK(same->value == value.value);
    }
}

TEST_CASE("the sample model equals its GGUF form, bit by bit") {
    const auto path = realData("llm-bard/model.safetensors");
    if (!path) return;
    const auto reference = open(*path), gguf = open(*realData("llm-bard/model-bf16.gguf"));
    REQUIRE(gguf->tensors.size() == reference->tensors.size());
    for (std::size_t i = 0; i < gguf->tensors.size(); ++i) {
        INFO(gguf->tensors[i].name);
        const auto match = reference->find(canonicalName(*gguf, gguf->tensors[i].name));
        REQUIRE(match);
        const auto view = viewInLayout(*gguf, i, RopeLayout::HalfSplit);
        REQUIRE(view);
        const TensorView stored = reference->view(*match);
        if (view->dtype == stored.dtype) {
            CHECK(sameBytes(*view, stored));
            continue;
        }
        REQUIRE(view->dtype == DType::F32); // norms are stored wider
        std::vector<float> a(static_cast<std::size_t>(elementCount(stored.shape))), b(a.size());
        REQUIRE(decode(*view, 0, std::span<float>(a)));
        REQUIRE(decode(stored, 0, std::span<float>(b)));
        CHECK(a == b);
    }
}

TEST_CASE("opening says what it cannot open") {
    const TemporaryFolder folder;
    const auto registries = allReaders();
    Diagnostics notes;
    const auto absent = openCheckpoint(folder / "absent", registries, notes);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().code == ErrorCode::Io);
    const auto empty = openCheckpoint(folder / "", registries, notes);
    REQUIRE_FALSE(empty);
    CHECK(empty.error().code == ErrorCode::Unsupported);
    CHECK(empty.error().message.find("GGUF") != std::string::npos);
    CHECK_FALSE(openCheckpoint("/dev/zero", registries, notes));
    const MemoryFile disguised(sampleGguf()); // no extension: known by its first bytes
    CHECK(openCheckpoint(disguised.path(), registries, notes));
}

TEST_CASE("every family has its own names in both worlds and comes back to them") {
    struct Case {
        const char* type;
        const char* architecture;
        const char* here;
        const char* there;
    };
    const Case cases[] = {
        {"mistral", "llama", "model.layers.1.self_attn.q_proj.weight", "blk.1.attn_q.weight"},
        {"mixtral", "llama", "model.layers.1.block_sparse_moe.gate.weight", "blk.1.ffn_gate_inp.weight"},
        {"qwen2", "qwen2", "model.layers.1.self_attn.k_proj.bias", "blk.1.attn_k.bias"},
        {"qwen3", "qwen3", "model.layers.1.self_attn.q_norm.weight", "blk.1.attn_q_norm.weight"},
        {"gemma", "gemma", "model.layers.1.post_attention_layernorm.weight", "blk.1.ffn_norm.weight"},
        {"gemma2", "gemma2", "model.layers.1.post_attention_layernorm.weight", "blk.1.post_attention_norm.weight"},
        {"gemma2", "gemma2", "model.layers.1.pre_feedforward_layernorm.weight", "blk.1.ffn_norm.weight"},
        {"gemma2", "gemma2", "model.layers.1.post_feedforward_layernorm.weight", "blk.1.post_ffw_norm.weight"},
        {"phi3", "phi3", "model.layers.1.self_attn.qkv_proj.weight", "blk.1.attn_qkv.weight"},
        {"phi3", "phi3", "model.layers.1.mlp.gate_up_proj.weight", "blk.1.ffn_up.weight"},
        {"gpt2", "gpt2", "transformer.h.1.attn.c_attn.weight", "blk.1.attn_qkv.weight"},
        {"gpt2", "gpt2", "transformer.h.1.mlp.c_proj.bias", "blk.1.ffn_down.bias"},
        {"gpt2", "gpt2", "transformer.wpe.weight", "position_embd.weight"},
        {"gpt2", "gpt2", "transformer.ln_f.weight", "output_norm.weight"},
    };
    for (const Case& pair : cases) {
        INFO(pair.here);
        Checkpoint gguf;
        gguf.naming = Naming::Gguf;
        gguf.architecture = pair.architecture;
        CHECK(canonicalName(gguf, pair.there) == pair.here);
        CHECK(ggufName(pair.here, pair.type) == pair.there);
        CHECK(ggufName(pair.here, pair.architecture) == pair.there);
        Checkpoint huggingFace;
        huggingFace.naming = Naming::HuggingFace;
        huggingFace.architecture = pair.type;
        CHECK(targetArchitecture(huggingFace, Naming::Gguf) == pair.architecture);
    }
    Checkpoint bare; // old files of GPT-2 have no root in their names
    bare.naming = Naming::HuggingFace;
    bare.architecture = "gpt2";
    CHECK(canonicalName(bare, "h.0.ln_1.weight") == "transformer.h.0.ln_1.weight");
}

TEST_CASE("only the families of Llama have their rotary rows reordered") {
    for (const auto& [type, heads] : {std::pair("llama", 8), std::pair("mistral", 8), std::pair("mixtral", 8), std::pair("qwen2", 0),
                                      std::pair("qwen3", 0), std::pair("gemma2", 0), std::pair("phi3", 0)}) {
        INFO(type);
        Checkpoint checkpoint;
        checkpoint.naming = Naming::HuggingFace;
        checkpoint.architecture = type;
        checkpoint.config = ModelConfig{};
        checkpoint.config->heads = 8;
        CHECK(ropeHeads(checkpoint, "model.layers.0.self_attn.q_proj.weight") == heads);
    }
}
