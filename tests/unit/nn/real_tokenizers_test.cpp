// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/reader.h"
#include "engine/core/json.h"
#include "engine/plan/model_tokenizer.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace qscope;
using namespace qscope::engine;

namespace {

std::string contentOf(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::shared_ptr<const Tokenizer> tokenizerOfFile(const std::filesystem::path& path) {
    Diagnostics notes;
    const auto checkpoint = makeGgufReader()->open(path, {}, notes);
    REQUIRE(checkpoint);
    const auto tokenizer = tokenizerOf(**checkpoint, notes);
    if (!tokenizer) FAIL(describe(tokenizer.error()));
    return *tokenizer;
}

/// The texts of a .inp file, which ends each with a marker line.
std::vector<std::string> textsOf(const std::string& content) {
    constexpr std::string_view kMarker = "\n__ggml_vocab_test__\n";
    std::vector<std::string> texts;
    for (std::size_t begin = 0; begin < content.size();) {
        const std::size_t end = content.find(kMarker, begin);
        if (end == content.npos) break;
        texts.push_back(content.substr(begin, end - begin));
        begin = end + kMarker.size();
    }
    return texts;
}

} // namespace

TEST_CASE("real vocabularies give the published ids", "[tokenizer]") {
    for (const char* name : {"gpt-2", "llama-spm", "phi-3", "falcon", "bert-bge"}) {
        const auto file = test::realData(std::string("tokenizers/ggml-vocab-") + name + ".gguf");
        if (!file) return;
        INFO(name);
        const auto tokenizer = tokenizerOfFile(*file);
        const auto texts = textsOf(contentOf(file->string() + ".inp"));
        std::istringstream lines(contentOf(file->string() + ".out"));
        REQUIRE(texts.size() > 30);
        for (const std::string& text : texts) {
            std::string line;
            REQUIRE(std::getline(lines, line));
            std::istringstream numbers(line);
            std::vector<int> expected;
            for (int id; numbers >> id;) expected.push_back(id);
            const auto ids = tokenizer->encode(text, AddEnds::No);
            REQUIRE(ids);
            CAPTURE(text);
            CHECK(*ids == expected);
        }
    }
}

TEST_CASE("byte-level and SentencePiece ids turn back into their text", "[tokenizer]") {
    for (const char* name : {"gpt-2", "llama-spm", "phi-3", "falcon", "gpt-neox"}) {
        const auto file = test::realData(std::string("tokenizers/ggml-vocab-") + name + ".gguf");
        const auto inputs = test::realData("tokenizers/ggml-vocab-gpt-2.gguf.inp");
        if (!file || !inputs) return;
        INFO(name);
        const auto tokenizer = tokenizerOfFile(*file);
        for (const std::string& text : textsOf(contentOf(*inputs))) {
            const auto ids = tokenizer->encode(text, AddEnds::No);
            REQUIRE(ids);
            const auto back = tokenizer->decode(*ids);
            REQUIRE(back);
            CHECK(*back == text);
        }
    }
}

TEST_CASE("the ids of the language model's held-out text are those of its training", "[tokenizer]") {
    const auto folder = test::realData("llm-bard/model.safetensors");
    const auto reference = test::realData("llm-bard/reference.json");
    const auto text = test::realData("llm-bard/valid.txt");
    if (!folder || !reference || !text) return;
    Diagnostics notes;
    const auto fromJson = makeSafetensorsReader()->open(*folder, {}, notes);
    REQUIRE(fromJson);
    const auto tokenizer = tokenizerOf(**fromJson, notes);
    REQUIRE(tokenizer);
    const auto ids = (*tokenizer)->encode(contentOf(*text));
    REQUIRE(ids);
    const auto json = readJsonFile(*reference);
    REQUIRE(json);
    CHECK(ids->size() == (*json)["valid_token_count"].get<std::size_t>());
    CHECK(std::vector(ids->begin(), ids->begin() + 32) == (*json)["valid_first_32_ids"].get<std::vector<int>>());
    const auto gguf = tokenizerOfFile(folder->parent_path() / "model-bf16.gguf");
    CHECK(*gguf->encode(contentOf(*text)) == *ids);
}
