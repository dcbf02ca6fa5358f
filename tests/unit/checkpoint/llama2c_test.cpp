// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/llama2c_tokenizer.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
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
}

TEST_CASE("versions 1 and 2 of llama2.c hold their tensors in their order, codes with the scales of their groups") {
    // dim 8, hidden 12, 2 layers, 2 heads, 1 key head, 5 tokens, context 3
    struct Kind {
        const char* name;
        int layers;
        int elements;
    };
    const std::vector<Kind> norms{{"model.layers.{}.input_layernorm.weight", 2, 8}, {"model.layers.{}.post_attention_layernorm.weight", 2, 8},
                                  {"model.norm.weight", 1, 8}};
    const std::vector<Kind> matrices{{"model.embed_tokens.weight", 1, 40}, {"model.layers.{}.self_attn.q_proj.weight", 2, 64},
                                     {"model.layers.{}.self_attn.k_proj.weight", 2, 32}, {"model.layers.{}.self_attn.v_proj.weight", 2, 32},
                                     {"model.layers.{}.self_attn.o_proj.weight", 2, 64}, {"model.layers.{}.mlp.gate_proj.weight", 2, 96},
                                     {"model.layers.{}.mlp.down_proj.weight", 2, 96}, {"model.layers.{}.mlp.up_proj.weight", 2, 96},
                                     {"lm_head.weight", 1, 40}};
    for (const int version : {1, 2})
        for (const bool tied : {false, true}) {
            INFO("version " << version << ", tied " << tied);
            const auto opened = openBytes(*makeLlama2cReader(), llama2cFile({8, 12, 2, 2, 1, tied ? 5 : -5, 3}, version));
            if (!opened) FAIL(describe(opened.error()));
            const Checkpoint& file = **opened;
            CHECK(inconsistency(file).empty());
            CHECK(file.config->tiedOutput == tied);
            CHECK(file.find("lm_head.weight").has_value() != tied);
            CHECK(file.config->vocabulary == 5);
            int place = 0;
            const auto expect = [&](const Kind& kind, bool coded) {
                for (int layer = 0; layer < kind.layers; ++layer) {
                    const std::string name = fmt::format(fmt::runtime(kind.name), layer);
                    INFO(name);
                    const auto found = file.find(name);
                    REQUIRE(found);
                    std::vector<float> values(static_cast<std::size_t>(kind.elements)), expected;
                    REQUIRE(decode(file.view(*found), 0, std::span(values)));
                    for (int i = 0; i < kind.elements; ++i)
                        expected.push_back(coded ? llama2cCode(place + i) * llama2cScale(place + i / 4 * 4)
                                                 : static_cast<float>(place + i) / 64);
                    CHECK(values == expected);
                    place += kind.elements;
                    if (!coded) continue;
                    const auto codes = file.find(name + ".codes"), scales = file.find(name + ".scales");
                    REQUIRE(codes);
                    REQUIRE(scales);
                    CHECK(file.tensors[*codes].partOf == *found);
                    CHECK(file.tensors[*codes].dtype == DType::I8);
                    CHECK(file.tensors[*scales].shape == Shape{kind.elements / 4});
                    CHECK(file.tensors[*found].bytes == static_cast<std::uint64_t>(2 * kind.elements));
                }
            };
            for (const Kind& kind : norms) expect(kind, false);
            for (const Kind& kind : matrices)
                if (!tied || std::string_view(kind.name) != "lm_head.weight") expect(kind, version == 2);
            const auto layers = 2 * (16 + 64 + 32 + 32 + 64 + 3 * 96);
            CHECK(parameterCount(file) == 40 + layers + 8 + (tied ? 0 : 40));
        }
}

TEST_CASE("groups of codes may go on in the next row") {
    const auto opened = openBytes(*makeLlama2cReader(), llama2cFile({8, 6, 1, 2, 2, 4, 3}, 2));
    if (!opened) FAIL(describe(opened.error()));
    const auto found = (*opened)->find("model.layers.0.mlp.down_proj.weight"); // rows of 6, groups of 4
    REQUIRE(found);
    const int place = 8 + 8 + 8 + 32 + 4 * 64 + 48;
    std::vector<float> values(48);
    REQUIRE(decode((*opened)->view(*found), 0, std::span(values)));
    for (int i = 0; i < 48; ++i) CHECK(values[static_cast<std::size_t>(i)] == llama2cCode(place + i) * llama2cScale(place + i / 4 * 4));
}

TEST_CASE("each rule of versions 1 and 2 refuses the file that breaks it") {
    const auto codeOf = [](const std::string& bytes) {
        const auto opened = openBytes(*makeLlama2cReader(), bytes);
        REQUIRE_FALSE(opened);
        CHECK(describe(opened.error()).find('\n') == std::string::npos);
        return opened.error().code;
    };
    for (const int version : {1, 2}) {
        INFO(version);
        const std::string good = llama2cFile({8, 12, 2, 2, 1, -5, 3}, version);
        REQUIRE(openBytes(*makeLlama2cReader(), good));
        const auto with = [&](std::size_t offset, std::int32_t value) {
            std::string bytes = good;
            std::memcpy(bytes.data() + offset, &value, sizeof value);
            return bytes;
        };
        for (const std::size_t length : {std::size_t{4}, std::size_t{36}, std::size_t{255}, good.size() - 1})
            CHECK(codeOf(good.substr(0, length)) == ErrorCode::Malformed);
        CHECK(codeOf(good + "x") == ErrorCode::Malformed);
        CHECK(codeOf(with(4, 3)) == ErrorCode::Malformed);
        CHECK(codeOf(with(4, 0)) == ErrorCode::Malformed);
        for (std::size_t field = 8; field < 36; field += 4)
            for (const std::int32_t value : {0, -5, std::numeric_limits<std::int32_t>::max()}) CHECK(codeOf(with(field, value)) == ErrorCode::Malformed);
        CHECK(codeOf(with(36, 2)) == ErrorCode::Malformed);
        CHECK(codeOf(with(200, 1)) == ErrorCode::Malformed);
        if (version == 2)
            for (const std::int32_t group : {0, -4, 3, 8, 1 << 30}) CHECK(codeOf(with(37, group)) == ErrorCode::Malformed);
    }
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

TEST_CASE("the quantized real llama2.c file is the single-precision one rounded") {
    const auto quantized = realData("llm-llama/stories260K-q8.bin"), single = realData("llm-llama/stories260K.bin");
    if (!quantized || !single) return;
    Diagnostics notes;
    CHECK(makeLlama2cReader()->recognises(*quantized));
    const auto a = makeLlama2cReader()->open(*quantized, {}, notes), b = makeLlama2cReader()->open(*single, {}, notes);
    if (!a) FAIL(describe(a.error()));
    REQUIRE(b);
    CHECK(parameterCount(**a) == parameterCount(**b));
    for (std::size_t i = 0; i < (*a)->tensors.size(); ++i) {
        const TensorInfo& tensor = (*a)->tensors[i];
        if (!tensor.isWhole()) continue;
        INFO(tensor.name);
        const auto other = (*b)->find(tensor.name);
        REQUIRE(other);
        REQUIRE((*b)->tensors[*other].shape == tensor.shape);
        std::vector<float> rounded(static_cast<std::size_t>(elementCount(tensor.shape))), exact(rounded.size());
        REQUIRE(decode((*a)->view(i), 0, std::span(rounded)));
        REQUIRE(decode((*b)->view(*other), 0, std::span(exact)));
        if (!tensor.source) {
            CHECK(rounded == exact);
            continue;
        }
        CHECK(typeName(tensor) == "llama2.c, 8 bit, groups of 8");
        const TensorView scales = (*a)->view(*(*a)->find(tensor.name + ".scales"));
        std::vector<float> scale(static_cast<std::size_t>(elementCount(scales.shape)));
        REQUIRE(decode(scales, 0, std::span(scale)));
        const std::size_t group = exact.size() / scale.size();
        for (std::size_t k = 0; k < exact.size(); ++k) // half a step, and the rounding of the quotient
            if (std::abs(exact[k] - rounded[k]) > scale[k / group] * 0.50001f) FAIL("element " << k);
    }
}
