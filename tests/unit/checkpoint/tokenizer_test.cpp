// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/sentencepiece.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/core/mapped_file.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("a byte-level BPE tokenizer is carried over token by token") {
    const Json tokenizer = *parseJson(R"({"added_tokens":[{"id":3,"content":"<end>","special":true},{"id":1,"content":"more","special":false}],
        "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
        "model":{"type":"BPE","vocab":{"a":0,"ab":5,"b":2},"merges":["a b",["ab","b"]]}})");
    Diagnostics notes;
    const auto metadata = tokenizerFromJson(tokenizer, {{"eos_token_id", 3}, {"bos_token_id", 77}}, notes);
    REQUIRE(metadata);
    const auto list = [&]<class T>(const char* key, T) { return std::get<std::vector<T>>(find(*metadata, key)->value); };
    CHECK(list("tokenizer.ggml.tokens", std::string()) == std::vector<std::string>{"a", "more", "b", "<end>", "[unused 4]", "ab"});
    CHECK(list("tokenizer.ggml.token_type", std::int64_t()) == std::vector<std::int64_t>{1, 4, 1, 3, 5, 1});
    CHECK(list("tokenizer.ggml.merges", std::string()) == std::vector<std::string>{"a b", "ab b"});
    CHECK(std::get<std::uint64_t>(find(*metadata, "tokenizer.ggml.eos_token_id")->value) == 3);
    CHECK_FALSE(find(*metadata, "tokenizer.ggml.bos_token_id")); // outside the vocabulary
    CHECK(notes.entries().empty());
}

TEST_CASE("tokenizers that GGUF would read differently are left out with a reason") {
    const auto reasonFor = [](const Json& tokenizer) {
        Diagnostics notes;
        CHECK_FALSE(tokenizerFromJson(tokenizer, Json(), notes));
        REQUIRE(notes.entries().size() == 1);
        return notes.entries()[0].message;
    };
    const Json split = {{"type", "ByteLevel"}};
    const Json model = {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", Json::array()}};
    const auto with = [&](const char* key, const Json& value) {
        Json changed = {{"pre_tokenizer", split}, {"model", model}};
        changed[key] = value;
        return changed;
    };
    CHECK(reasonFor(with("model", {{"type", "Unigram"}})).find("BPE") != std::string::npos);
    CHECK(reasonFor(with("pre_tokenizer", {{"type", "Sequence"}})).find("splitting") != std::string::npos);
    CHECK(reasonFor(with("normalizer", {{"type", "Lowercase"}})).find("normal") != std::string::npos);
    CHECK(reasonFor(with("added_tokens", *parseJson(R"([{"id":1}])"))).find("added token") != std::string::npos);
    CHECK(reasonFor(with("added_tokens", *parseJson(R"([{"id":1000000000000,"content":"x"}])"))).find("out of range") != std::string::npos);
    CHECK(reasonFor(with("added_tokens", *parseJson(R"([{"id":3999999,"content":"x"}])"))).find("too long a list") != std::string::npos);
    Json noMerge = with("x", 1);
    noMerge["model"]["merges"] = Json::array({1});
    CHECK(reasonFor(noMerge).find("merge") != std::string::npos);
    CHECK_FALSE(reasonFor(Json::array()).empty());
}

TEST_CASE("the sample's tokenizer is the one that its GGUF form carries") {
    const auto path = realData("llm-bard/model.safetensors");
    if (!path) return;
    Diagnostics notes;
    const auto metadata = tokenizerBeside(*path, {}, notes);
    REQUIRE(metadata);
    const auto gguf = makeGgufReader()->open(*realData("llm-bard/model-bf16.gguf"), {}, notes);
    REQUIRE(gguf);
    std::size_t compared = 0;
    for (const auto& [key, value] : (*gguf)->metadata) {
        if (!key.starts_with("tokenizer.")) continue;
        INFO(key);
        const auto* same = find(*metadata, key);
        REQUIRE(same);
        CHECK(same->type == value.type);
        CHECK(same->value == value.value);
        ++compared;
    }
    CHECK(compared == metadata->size());
}

TEST_CASE("splitting rules are told apart by what tokenizer.json says") {
    const auto split = [](std::string_view rule) {
        return Json{{"type", "Sequence"},
                    {"pretokenizers",
                     {{{"type", "Split"}, {"pattern", {{"Regex", rule}}}, {"behavior", "Isolated"}, {"invert", false}},
                      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}}}};
    };
    const std::string letters = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}@| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    const auto with = [&](std::string_view digits) { return std::string(letters).replace(letters.find('@'), 1, digits); };
    const std::pair<Json, const char*> rules[] = {{split(with("{1,3}")), "llama-bpe"}, {split(with("")), "qwen2"}, {Json{{"type", "ByteLevel"}}, "gpt-2"}};
    for (const auto& [rule, name] : rules) {
        Diagnostics notes;
        const Json tokenizer = {{"pre_tokenizer", rule},
                                {"added_tokens", {{{"id", 2}, {"content", "<s>"}, {"special", true}}}},
                                {"post_processor", {{"type", "TemplateProcessing"}, {"single", {{{"SpecialToken", {{"id", "<s>"}}}}}}}},
                                {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}}}, {"merges", {"a b"}}}}};
        const auto metadata = tokenizerFromJson(tokenizer, Json(), notes);
        REQUIRE(metadata);
        CHECK(std::get<std::string>(find(*metadata, "tokenizer.ggml.pre")->value) == name);
        CHECK(std::get<bool>(find(*metadata, "tokenizer.ggml.add_bos_token")->value));
        const auto back = tokenizerToJson(*metadata);
        REQUIRE(back);
        CHECK((*back)["model"]["vocab"] == tokenizer["model"]["vocab"]);
        CHECK((*back)["model"]["merges"] == tokenizer["model"]["merges"]);
        CHECK((*back)["added_tokens"][0]["content"] == "<s>");
        const auto again = tokenizerFromJson(*back, Json(), notes);
        REQUIRE(again);
        CHECK(find(*again, "tokenizer.ggml.tokens")->value == find(*metadata, "tokenizer.ggml.tokens")->value);
        CHECK(find(*again, "tokenizer.ggml.pre")->value == find(*metadata, "tokenizer.ggml.pre")->value);
    }
    Diagnostics notes;
    CHECK_FALSE(tokenizerFromJson({{"pre_tokenizer", split("\\w+")}, {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", Json::array()}}}}, Json(), notes));
}

TEST_CASE("the pieces of a SentencePiece model are those of its llama2.c form and of the GGUF vocabulary") {
    const auto path = realData("llm-llama/llama2-tokenizer.model");
    if (!path) return;
    Diagnostics notes;
    const auto file = MappedFile::open(*path);
    REQUIRE(file);
    const auto metadata = tokenizerFromSentencePiece((*file)->bytes(), notes);
    REQUIRE(metadata);
    CHECK(notes.entries().empty());
    const auto gguf = makeGgufReader()->open(*realData("tokenizers/ggml-vocab-llama-spm.gguf"), {}, notes);
    REQUIRE(gguf);
    for (const char* key : {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type",
                            "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.unknown_token_id"}) {
        INFO(key);
        REQUIRE(find(*metadata, key));
        CHECK(find(*metadata, key)->value == find((*gguf)->metadata, key)->value);
    }
    // Damaged models are read or left out with one warning, whatever the damage.
    const auto bytes = (*file)->bytes();
    for (std::size_t at = 0; at < 4000; ++at) {
        std::vector<std::byte> changed(bytes.begin(), bytes.begin() + 6000);
        changed[at] ^= std::byte{0xFF};
        Diagnostics damage;
        if (!tokenizerFromSentencePiece(changed, damage)) CHECK(damage.entries().size() == 1);
    }
}

TEST_CASE("a vocabulary is not filled up to a size that a configuration makes up") {
    const TemporaryFolder folder;
    const auto save = [&](const char* name, const char* text) { std::ofstream(folder / name) << text; };
    save("tokenizer.json", R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","b"]]}})");
    for (const auto& [config, tokens] : {std::pair(R"({"vocab_size":5})", std::size_t{5}), std::pair(R"({"vocab_size":4000000})", std::size_t{1})}) {
        save("config.json", config);
        Diagnostics notes;
        const auto metadata = tokenizerBeside(folder / "model.safetensors", {}, notes);
        REQUIRE(metadata);
        CHECK(std::get<std::vector<std::string>>(find(*metadata, "tokenizer.ggml.tokens")->value).size() == tokens);
        CHECK(std::get<std::vector<std::string>>(find(*metadata, "tokenizer.ggml.merges")->value) == std::vector<std::string>{"a b"});
        CHECK(notes.entries().size() == (tokens == 1 ? 1 : 0));
    }
}
