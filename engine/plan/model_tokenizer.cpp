// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/model_tokenizer.h"

#include "engine/checkpoint/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <type_traits>

namespace qscope::engine {

namespace {

struct ModelName {
    std::string_view name;
    TokenizerModel model;
};
constexpr std::array kModels{
    ModelName{"llama", TokenizerModel::SentencePieceBpe},
    ModelName{"gpt2", TokenizerModel::ByteLevelBpe},
    ModelName{"bert", TokenizerModel::WordPiece},
    ModelName{"t5", TokenizerModel::Unigram},
};

/// Reads keys of one prefix and remembers the first that has the wrong type.
class Keys {
public:
    explicit Keys(const Metadata& metadata) : m_metadata(metadata) {}

    template<class T>
    const T* get(std::string_view key) {
        const MetadataValue* found = find(m_metadata, fmt::format("tokenizer.ggml.{}", key));
        const T* value = found ? std::get_if<T>(&found->value) : nullptr;
        if (found && !value && m_wrong.empty()) m_wrong = key;
        return value;
    }
    /// Integers come signed or unsigned.
    std::vector<std::int64_t> integers(std::string_view key) {
        const MetadataValue* found = find(m_metadata, fmt::format("tokenizer.ggml.{}", key));
        if (!found) return {};
        if (const auto* values = std::get_if<std::vector<std::uint64_t>>(&found->value)) return {values->begin(), values->end()};
        if (const auto* values = get<std::vector<std::int64_t>>(key)) return *values;
        return {};
    }
    int id(std::string_view key, int otherwise) {
        const MetadataValue* found = find(m_metadata, fmt::format("tokenizer.ggml.{}_token_id", key));
        if (!found) return otherwise;
        if (const auto* value = std::get_if<std::uint64_t>(&found->value)) return *value < INT32_MAX ? static_cast<int>(*value) : -1;
        if (const auto* value = std::get_if<std::int64_t>(&found->value)) return *value >= 0 && *value < INT32_MAX ? static_cast<int>(*value) : -1;
        if (m_wrong.empty()) m_wrong = key;
        return -1;
    }
    bool flag(std::string_view key, bool otherwise) {
        const bool* value = get<bool>(key);
        return value ? *value : otherwise;
    }
    const std::string& wrong() const { return m_wrong; }

private:
    const Metadata& m_metadata;
    std::string m_wrong;
};

} // namespace

Result<Vocabulary> vocabularyFrom(const Metadata& metadata) {
    Keys keys(metadata);
    const auto* name = keys.get<std::string>("model");
    if (!name) return fail(ErrorCode::Unsupported, "the checkpoint holds no tokenizer");
    const auto model = std::ranges::find(kModels, *name, &ModelName::name);
    if (model == kModels.end()) return fail(ErrorCode::Unsupported, "the tokenizer model '{}' is not known; llama, gpt2, bert and t5 are", *name);
    Vocabulary vocabulary;
    vocabulary.model = model->model;
    const bool bytes = vocabulary.model == TokenizerModel::ByteLevelBpe, words = vocabulary.model == TokenizerModel::WordPiece;
    if (const auto* tokens = keys.get<std::vector<std::string>>("tokens")) vocabulary.tokens = *tokens;
    if (const auto* scores = keys.get<std::vector<double>>("scores")) vocabulary.scores.assign(scores->begin(), scores->end());
    if (const auto* merges = keys.get<std::vector<std::string>>("merges")) vocabulary.merges = *merges;
    for (const std::int64_t kind : keys.integers("token_type")) {
        if (kind < 0 || kind > 6) return fail(ErrorCode::Malformed, "tokenizer: a token is of kind {}", kind);
        vocabulary.kinds.push_back(kind == 0 ? TokenKind::Normal : static_cast<TokenKind>(kind));
    }
    if (const auto* split = keys.get<std::string>("pre")) vocabulary.split = *split;
    // What the public runtime assumes of a file that does not say.
    vocabulary.begin = words ? keys.id("cls", keys.id("bos", 101)) : keys.id("bos", bytes ? 11 : 1);
    vocabulary.end = keys.id("eos", words ? -1 : bytes ? 11 : 2);
    vocabulary.unknown = keys.id("unknown", words ? 100 : bytes ? -1 : 0);
    vocabulary.separator = words ? keys.id("seperator", keys.id("separator", 102)) : -1; // the key is misspelt in most files
    vocabulary.addBegin = keys.flag("add_bos_token", words || vocabulary.model == TokenizerModel::SentencePieceBpe);
    vocabulary.addEnd = keys.flag("add_eos_token", words || vocabulary.model == TokenizerModel::Unigram);
    vocabulary.spacePrefix = keys.flag("add_space_prefix", true);
    if (!keys.wrong().empty()) return fail(ErrorCode::Malformed, "tokenizer.ggml.{} has the wrong type", keys.wrong());
    for (int* id : {&vocabulary.begin, &vocabulary.end, &vocabulary.unknown, &vocabulary.separator})
        if (*id >= static_cast<int>(vocabulary.tokens.size())) *id = -1;
    return vocabulary;
}

Result<std::shared_ptr<const Tokenizer>> tokenizerOf(const Checkpoint& checkpoint, Diagnostics& notes, const ReadLimits& limits) {
    if (find(checkpoint.metadata, "tokenizer.ggml.model")) {
        QSCOPE_TRY(auto vocabulary, vocabularyFrom(checkpoint.metadata));
        return Tokenizer::make(std::move(vocabulary));
    }
    const auto beside = tokenizerBeside(checkpoint.path, limits, notes);
    if (!beside) return fail(ErrorCode::Unsupported, "neither the checkpoint nor a file beside it holds a tokenizer");
    QSCOPE_TRY(auto vocabulary, vocabularyFrom(*beside));
    return Tokenizer::make(std::move(vocabulary));
}

} // namespace qscope::engine
