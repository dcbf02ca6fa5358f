// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/llama2c_tokenizer.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/sentencepiece.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/core/byte_reader.h"

#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

enum class Kind { None, Json, SentencePiece, Llama2c };

/// llama2.c's files have no magic number; all begin with the length of the longest token and the token "<unk>" of score 0.
bool startsAsLlama2c(const std::filesystem::path& place) {
    std::array<char, 17> start{};
    std::ifstream file(place, std::ios::binary);
    file.read(start.data(), start.size());
    constexpr std::string_view kScoreAndLength("\0\0\0\0\5\0\0\0", 8);
    return file.gcount() == 17 && std::string_view(start.data() + 4, 8) == kScoreAndLength && std::string_view(start.data() + 12, 5) == "<unk>";
}

Kind kindOf(const std::filesystem::path& place) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(place, ignored)) return Kind::None;
    if (place.filename().string().ends_with("tokenizer.json")) return Kind::Json;
    if (place.extension() == ".model") return Kind::SentencePiece;
    return place.extension() == ".bin" && startsAsLlama2c(place) ? Kind::Llama2c : Kind::None;
}

/// How many tokens a llama2.c file holds; nothing when it does not end with one.
std::optional<std::int64_t> countLlama2c(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    if (!reader.u32()) return std::nullopt;
    std::int64_t count = 0;
    for (; reader.remaining() > 0; ++count) {
        const auto score = reader.f32();
        const auto length = reader.i32();
        if (!score || !length || *length < 0 || !reader.take(static_cast<std::uint64_t>(*length))) return std::nullopt;
    }
    return count;
}

std::optional<Metadata> read(Kind kind, const std::filesystem::path& place, std::span<const std::byte> bytes, const ReadLimits& limits,
                             Diagnostics& problems) {
    if (kind == Kind::SentencePiece) return tokenizerFromSentencePiece(bytes, problems);
    if (kind == Kind::Llama2c) {
        const auto count = countLlama2c(bytes);
        return count ? parseLlama2cTokenizer(bytes, *count) : std::nullopt;
    }
    MemoryBudget budget(0);
    const auto json = readJsonFile(place, limits, budget, JsonPairs::Join);
    if (json) return tokenizerFromJson(*json, {}, problems, budget);
    problems.warn(describe(json.error()));
    return std::nullopt;
}

/// A tokenizer by itself: a checkpoint of no tensors, whose metadata is the vocabulary.
class TokenizerReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }
    bool recognises(const std::filesystem::path& place) const override { return kindOf(place) != Kind::None; }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits, Diagnostics&) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        if (file->bytes().size() > limits.headerBytes)
            return fail(ErrorCode::Malformed, "{} bytes are too many for a tokenizer", file->bytes().size());
        Diagnostics problems;
        auto metadata = read(kindOf(place), place, file->bytes(), limits, problems);
        if (!metadata)
            return fail(ErrorCode::Malformed, "no tokenizer that can be read{}",
                        problems.entries().empty() ? std::string() : ": " + problems.entries().back().message);
        Checkpoint checkpoint;
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.files.push_back(file);
        checkpoint.metadata = *std::move(metadata);
        return publish(std::move(checkpoint), limits);
    }

private:
    ReaderInfo m_info{"tokenizer", "tokenizer", {"model", "tokenizer.json"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeTokenizerReader() { return std::make_unique<TokenizerReader>(); }

} // namespace qscope::engine
