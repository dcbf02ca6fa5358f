// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/compute_backend.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/checkpoint/writer.h"
#include "engine/plan/model_tokenizer.h"
#include "tests/fuzz/reader_property.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;

namespace {

void hold(bool property, const char* what) {
    if (property) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

/// A folder that costs no disk; removed when the program ends in the ordinary way.
struct Folder {
    std::filesystem::path path = std::filesystem::path("/dev/shm") / ("qscope-fuzz-tokenizer-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

template<class T>
const std::vector<T>& list(const Metadata& metadata, std::string_view key) {
    const MetadataValue* value = find(metadata, key);
    hold(value && std::holds_alternative<std::vector<T>>(value->value), "a vocabulary has all its lists");
    return std::get<std::vector<T>>(value->value);
}

void checkLists(const Metadata& metadata) {
    const auto& tokens = list<std::string>(metadata, "tokenizer.ggml.tokens");
    hold(!tokens.empty(), "a vocabulary has tokens");
    hold(list<std::int64_t>(metadata, "tokenizer.ggml.token_type").size() == tokens.size(), "as many kinds as tokens");
    if (find(metadata, "tokenizer.ggml.scores"))
        hold(list<double>(metadata, "tokenizer.ggml.scores").size() == tokens.size(), "as many scores as tokens");
    for (const char* key : {"bos", "eos", "unknown", "padding"})
        if (const auto* id = find(metadata, fmt::format("tokenizer.ggml.{}_token_id", key)))
            hold(std::get<std::uint64_t>(id->value) < tokens.size(), "special tokens exist");
}

/// What tokenizer.json can say comes back from it.
void checkJson(const Metadata& metadata) {
    const auto json = tokenizerToJson(metadata);
    if (!json) return;
    Diagnostics notes;
    const auto again = tokenizerFromJson(*json, Json(), notes);
    hold(again.has_value(), "what is written as tokenizer.json is read");
    for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"})
        hold(list<std::string>(metadata, key) == list<std::string>(*again, key), "texts are the same after a round trip");
    hold(list<std::int64_t>(metadata, "tokenizer.ggml.token_type") == list<std::int64_t>(*again, "tokenizer.ggml.token_type"),
         "kinds are the same after a round trip");
}

void checkGguf(const Metadata& metadata, const std::filesystem::path& path) {
    static const auto backend = makeCpuBackend();
    Progress progress;
    Diagnostics notes;
    const RunContext context{{}, progress, notes, *backend};
    hold(writeGguf(path, metadata, {}, context).has_value(), "a vocabulary is written as GGUF");
    const auto read = makeGgufReader()->open(path, {}, notes);
    hold(read.has_value(), "what was written opens");
    for (const auto& [key, value] : metadata) {
        const MetadataValue* other = find((*read)->metadata, key);
        hold(other && (*other == value || key == "tokenizer.ggml.scores"), "metadata is the same after a round trip"); // scores may be NaN
    }
}

/// A tokenizer is made of it or is refused; what it encodes are tokens, and they decode.
void checkEncoding(const Checkpoint& checkpoint) {
    Diagnostics notes;
    const auto tokenizer = tokenizerOf(checkpoint, notes, {});
    if (!tokenizer) return test::checkError(tokenizer.error());
    const auto ids = (*tokenizer)->encode("Once upon a time, 12 caf\u00e9s\n");
    hold(ids.has_value(), "a text is encoded");
    for (const int id : *ids) hold(id >= 0 && static_cast<std::size_t>(id) < (*tokenizer)->vocabulary().tokens.size(), "ids are of tokens");
    hold((*tokenizer)->decode(*ids).has_value(), "what was encoded is decoded");
}

} // namespace

/// A tokenizer.json when it begins as one, a llama2.c vocabulary when the reader takes it for one, else a SentencePiece model.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    static const auto reader = makeTokenizerReader();
    const auto save = [&](const char* name) {
        std::ofstream(folder.path / name, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
        return folder.path / name;
    };
    const bool json = size > 0 && data[0] == '{';
    auto path = save(json ? "tokenizer.json" : "tokenizer.bin");
    if (!json && !reader->recognises(path)) path = save("tokenizer.model");
    Diagnostics notes;
    const auto opened = reader->open(path, {}, notes);
    if (!opened) return test::checkError(opened.error()), 0;
    checkLists((*opened)->metadata);
    checkJson((*opened)->metadata);
    checkGguf((*opened)->metadata, folder.path / "written.gguf");
    checkEncoding(**opened);
    return 0;
}
