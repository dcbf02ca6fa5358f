// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/llama2c_tokenizer.h"

#include "engine/checkpoint/model_config.h"
#include "engine/core/byte_reader.h"
#include "engine/core/mapped_file.h"

#include <algorithm>

namespace qscope::engine {

namespace {

namespace fs = std::filesystem;

// Token types of GGUF (formats.md, section 1.1).
constexpr std::int64_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;
constexpr std::uint64_t kBegin = 1, kEnd = 2; ///< tokens that every file has
constexpr std::uint64_t kFirstByteToken = 3, kByteTokens = 256;
constexpr std::size_t kMaximumCandidates = 64; ///< a folder full of unrelated files must not be read through

/// The file holds pieces as they are printed; GGUF wants them as the SentencePiece model has them.
std::string toPiece(std::uint64_t id, std::string_view printed) {
    if (id == 0) return "<unk>";
    if (id == 1) return "<s>";
    if (id == 2) return "</s>";
    std::string piece;
    for (const char c : printed)
        if (c == ' ') piece += "\u2581";
        else piece += c;
    return piece;
}

std::vector<fs::path> candidatesBeside(const fs::path& model) {
    std::vector<fs::path> candidates;
    std::error_code problem;
    const fs::path folder = model.parent_path().empty() ? fs::path(".") : model.parent_path();
    for (fs::directory_iterator entries(folder, problem), end; !problem && entries != end; entries.increment(problem)) {
        const auto name = entries->path().filename().string();
        std::error_code ignored;
        if (name.find("tok") != name.npos && name.ends_with(".bin") && entries->is_regular_file(ignored))
            candidates.push_back(entries->path());
    }
    std::ranges::sort(candidates, [](const fs::path& a, const fs::path& b) {
        return std::pair(a.filename() != "tokenizer.bin", a) < std::pair(b.filename() != "tokenizer.bin", b);
    });
    if (candidates.size() > kMaximumCandidates) candidates.resize(kMaximumCandidates);
    return candidates;
}

} // namespace

std::optional<Metadata> parseLlama2cTokenizer(std::span<const std::byte> file, std::int64_t vocabulary, MemoryBudget budget) {
    const auto count = static_cast<std::uint64_t>(vocabulary);
    if (vocabulary <= static_cast<std::int64_t>(kEnd) || count > file.size() / 8) return std::nullopt; // a score and a length each
    budget.add(file.size());
    if (!budget.spend(count * (sizeof(std::string) + sizeof(double) + sizeof(std::int64_t)))) return std::nullopt;
    ByteReader reader(file);
    if (!reader.u32()) return std::nullopt; // length of the longest token: follows from the rest
    std::vector<std::string> tokens;
    std::vector<double> scores;
    std::vector<std::int64_t> types;
    tokens.reserve(count);
    scores.reserve(count);
    types.reserve(count);
    for (std::uint64_t id = 0; id < count; ++id) {
        const auto score = reader.f32();
        const auto length = reader.i32();
        if (!score || !length || *length < 0) return std::nullopt;
        const auto text = reader.text(static_cast<std::uint64_t>(*length));
        if (!text) return std::nullopt;
        constexpr std::uint64_t kGrowth = 3 * 2; // of a text of spaces, in a string that doubles
        if (!budget.spend(textHeapBytes(text->size() < 6 ? 0 : kGrowth * text->size()))) return std::nullopt;
        tokens.push_back(toPiece(id, *text));
        scores.push_back(static_cast<double>(*score));
        types.push_back(id == 0 ? kUnknown
                        : id < kFirstByteToken ? kControl
                        : id < kFirstByteToken + kByteTokens ? kByte
                                                             : kNormal);
    }
    if (reader.remaining() != 0) return std::nullopt;
    Metadata metadata;
    metadata.emplace_back("tokenizer.ggml.model", metadataText("llama"));
    metadata.emplace_back("tokenizer.ggml.tokens",
                          MetadataValue{MetadataType::Array, MetadataType::String, std::move(tokens)});
    metadata.emplace_back("tokenizer.ggml.scores",
                          MetadataValue{MetadataType::Array, MetadataType::F32, std::move(scores)});
    metadata.emplace_back("tokenizer.ggml.token_type",
                          MetadataValue{MetadataType::Array, MetadataType::I32, std::move(types)});
    metadata.emplace_back("tokenizer.ggml.bos_token_id", metadataU32(kBegin));
    metadata.emplace_back("tokenizer.ggml.eos_token_id", metadataU32(kEnd));
    metadata.emplace_back("tokenizer.ggml.unknown_token_id", metadataU32(0));
    return metadata;
}

std::optional<Metadata> llama2cTokenizerBeside(const fs::path& model, std::int64_t vocabulary, MemoryBudget budget,
                                               const ReadLimits& limits, std::string& used) {
    for (const fs::path& candidate : candidatesBeside(model)) {
        const auto file = MappedFile::open(candidate);
        if (!file || (*file)->bytes().size() > limits.headerBytes) continue;
        if (auto metadata = parseLlama2cTokenizer((*file)->bytes(), vocabulary, budget)) {
            used = candidate.filename().string();
            return metadata;
        }
    }
    return std::nullopt;
}

} // namespace qscope::engine
