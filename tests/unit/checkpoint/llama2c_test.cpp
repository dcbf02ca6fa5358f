// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/llama2c_tokenizer.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::string tokenizerFile(int tokens) {
    Bytes bytes;
    bytes.put(std::uint32_t{9});
    for (int i = 0; i < tokens; ++i) {
        const std::string piece = " t" + std::to_string(i);
        bytes.put(static_cast<float>(-i)).put(static_cast<std::int32_t>(piece.size()));
        bytes.data += piece;
    }
    return bytes.data;
}

std::span<const std::byte> bytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

} // namespace

TEST_CASE("llama2.c tensors lie where the file's order puts them") {
    const auto opened = openBytes(*makeLlama2cReader(), sampleLlama2c());
    REQUIRE(opened);
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    CHECK(file.tensors.size() == 1 + 9 * 2 + 1 + 1);
    CHECK(file.ropeLayout == RopeLayout::Interleaved);
    REQUIRE(file.config);
    CHECK(file.config->vocabulary == 5);
    CHECK_FALSE(file.config->tiedOutput);
    const auto firstOf = [&](std::string_view name) {
        const auto index = file.find(name);
        REQUIRE(index);
        float value = 0;
        std::memcpy(&value, file.view(*index).bytes.data(), sizeof value);
        return static_cast<int>(value * 64); // values count up through the file
    };
    // dim 8, hidden 12, 2 layers, 2 heads, 1 key head, 5 tokens, context 3
    int place = 0;
    const auto expect = [&](std::string_view name, int elements) {
        INFO(name);
        CHECK(firstOf(name) == place);
        place += elements;
    };
    expect("model.embed_tokens.weight", 5 * 8);
    const std::pair<const char*, int> kinds[] = {
        {"input_layernorm", 8}, {"self_attn.q_proj", 64}, {"self_attn.k_proj", 32}, {"self_attn.v_proj", 32},
        {"self_attn.o_proj", 64}, {"post_attention_layernorm", 8}, {"mlp.gate_proj", 96}, {"mlp.down_proj", 96}, {"mlp.up_proj", 96}};
    for (const auto& [kind, elements] : kinds)
        for (const int layer : {0, 1}) expect(fmt::format("model.layers.{}.{}.weight", layer, kind), elements);
    expect("model.norm.weight", 8);
    place += 3 * 4; // cosines and sines
    expect("lm_head.weight", 5 * 8);
    CHECK(file.tensors[*file.find("model.layers.0.mlp.down_proj.weight")].shape == Shape{8, 12});
    CHECK(file.tensors[*file.find("model.layers.0.self_attn.k_proj.weight")].shape == Shape{4, 8});
}

TEST_CASE("a shared output matrix is not catalogued twice") {
    const auto opened = openBytes(*makeLlama2cReader(), llama2cFile({8, 12, 2, 2, 1, 5, 3}));
    REQUIRE(opened);
    CHECK((*opened)->config->tiedOutput);
    CHECK_FALSE((*opened)->find("lm_head.weight"));
}

TEST_CASE("each rule of llama2.c files refuses the file that breaks it") {
    const auto codeOf = [](const std::string& bytes) {
        const auto opened = openBytes(*makeLlama2cReader(), bytes);
        REQUIRE_FALSE(opened);
        return opened.error().code;
    };
    const std::string good = sampleLlama2c();
    const auto with = [&](std::size_t field, std::int32_t value) {
        std::string bytes = good;
        std::memcpy(bytes.data() + 4 * field, &value, sizeof value);
        return bytes;
    };
    CHECK(codeOf("") == ErrorCode::Malformed);
    CHECK(codeOf(good.substr(0, 27)) == ErrorCode::Malformed);
    CHECK(codeOf(good + "x") == ErrorCode::Malformed);
    CHECK(codeOf(good.substr(0, good.size() - 1)) == ErrorCode::Malformed);
    for (std::size_t field = 0; field < 7; ++field)
        for (const std::int32_t value : {0, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}) {
            INFO(field << " = " << value);
            CHECK(codeOf(with(field, value)) == ErrorCode::Malformed);
        }
    CHECK(codeOf(with(3, 3)) == ErrorCode::Malformed); // 8 does not divide into 3 heads
    CHECK(codeOf(with(3, 8)) == ErrorCode::Malformed); // heads of one element have no pairs
    CHECK(codeOf(with(2, 20'000)) == ErrorCode::Malformed);
    Bytes versioned;
    versioned.put(0x616b3432u).put(2).zeros(300);
    CHECK(codeOf(versioned.data) == ErrorCode::Unsupported);
    std::memset(versioned.data.data() + 4, 9, 1);
    CHECK(codeOf(versioned.data) == ErrorCode::Malformed);
}

TEST_CASE("a llama2.c tokenizer must fit the vocabulary exactly") {
    const std::string file = tokenizerFile(300);
    const auto metadata = parseLlama2cTokenizer(bytesOf(file), 300);
    REQUIRE(metadata);
    const auto& tokens = std::get<std::vector<std::string>>(find(*metadata, "tokenizer.ggml.tokens")->value);
    CHECK(tokens[1] == "<s>");
    CHECK(tokens[299] == "\u2581t299");
    CHECK(std::get<std::vector<double>>(find(*metadata, "tokenizer.ggml.scores")->value)[7] == -7.0);
    const auto& types = std::get<std::vector<std::int64_t>>(find(*metadata, "tokenizer.ggml.token_type")->value);
    CHECK(types[0] == 2);
    CHECK(types[2] == 3);
    CHECK(types[258] == 6);
    CHECK(types[259] == 1);
    CHECK_FALSE(parseLlama2cTokenizer(bytesOf(file), 299));
    CHECK_FALSE(parseLlama2cTokenizer(bytesOf(file), 301));
    CHECK_FALSE(parseLlama2cTokenizer(bytesOf(file), -1));
    for (std::size_t length = 0; length < file.size(); length += 7)
        CHECK_FALSE(parseLlama2cTokenizer(bytesOf(file.substr(0, length)), 300));
    std::string negative = file;
    negative[11] = '\x80'; // the first token's length
    CHECK_FALSE(parseLlama2cTokenizer(bytesOf(negative), 300));
}

TEST_CASE("the tokenizer beside a llama2.c model is found by its size") {
    const TemporaryFolder folder;
    const auto save = [&](const char* name, const std::string& bytes) {
        std::ofstream(folder / name, std::ios::binary) << bytes;
    };
    save("model.bin", llama2cFile({8, 12, 1, 2, 1, 300, 3}));
    save("tok1.bin", tokenizerFile(200));
    save("tok2.bin", tokenizerFile(300));
    Diagnostics notes;
    const auto reader = makeLlama2cReader();
    REQUIRE(reader->recognises(folder / "model.bin"));
    CHECK_FALSE(reader->recognises(folder / "tok2.bin"));
    const auto opened = reader->open(folder / "model.bin", {}, notes);
    REQUIRE(opened);
    CHECK(std::get<std::vector<std::string>>(find((*opened)->metadata, "tokenizer.ggml.tokens")->value).size() == 300);
    REQUIRE(notes.entries().size() == 1);
    CHECK(notes.entries()[0].message.find("tok2.bin") != std::string::npos);
}

TEST_CASE("the quantized real llama2.c file is refused with its version") {
    if (const auto path = realData("llm-llama/stories260K-q8.bin")) {
        Diagnostics notes;
        CHECK(makeLlama2cReader()->recognises(*path));
        const auto opened = makeLlama2cReader()->open(*path, {}, notes);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::Unsupported);
        CHECK(opened.error().message.find("version 2") != std::string::npos);
    }
}
