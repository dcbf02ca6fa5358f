// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/tokenizer_json.h"

#include "engine/checkpoint/model_config.h"

#include <algorithm>

namespace qscope::engine {

namespace {

// Token types of GGUF (formats.md, section 1.1).
constexpr std::int64_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;
constexpr std::uint64_t kMostTokens = 4'000'000; ///< ids decide how long the list becomes; real ones end at 1,000,000

/// Reads what it needs and remembers the first thing that did not fit.
class Translation {
public:
    explicit Translation(const Json& tokenizer) : m_tokenizer(tokenizer) {}

    [[nodiscard]] std::optional<Metadata> run(const Json& config) {
        checkKind();
        readVocabulary();
        readAddedTokens();
        readMerges();
        if (!problem.empty()) return std::nullopt;
        fillHoles();
        const std::size_t count = m_tokens.size();

        Metadata metadata;
        metadata.emplace_back("tokenizer.ggml.model", metadataText("gpt2"));
        metadata.emplace_back("tokenizer.ggml.pre", metadataText("gpt-2"));
        metadata.emplace_back("tokenizer.ggml.tokens", array(MetadataType::String, std::move(m_tokens)));
        metadata.emplace_back("tokenizer.ggml.token_type", array(MetadataType::I32, std::move(m_types)));
        metadata.emplace_back("tokenizer.ggml.merges", array(MetadataType::String, std::move(m_merges)));
        addSpecial(metadata, config, "bos_token_id", count);
        addSpecial(metadata, config, "eos_token_id", count);
        // Without a template there is nothing that would put a begin token in front of a text.
        if (const Json& post = at(m_tokenizer, "post_processor"); post.is_null() || at(post, "type") == "ByteLevel")
            metadata.emplace_back("tokenizer.ggml.add_bos_token",
                                  MetadataValue{MetadataType::Bool, MetadataType::String, false});
        return metadata;
    }

    std::string problem;

private:
    static const Json& at(const Json& object, const char* key) {
        static const Json kNull;
        if (!object.is_object()) return kNull;
        const auto found = object.find(key);
        return found == object.end() ? kNull : *found;
    }
    template<class T>
    static MetadataValue array(MetadataType element, std::vector<T> items) {
        return {MetadataType::Array, element, std::move(items)};
    }
    void refuse(std::string why) {
        if (problem.empty()) problem = std::move(why);
    }

    void checkKind() {
        if (at(at(m_tokenizer, "model"), "type") != "BPE") refuse("it is not a BPE tokenizer");
        const Json& split = at(m_tokenizer, "pre_tokenizer");
        if (at(split, "type") != "ByteLevel" || at(split, "use_regex") == false || at(split, "add_prefix_space") == true)
            refuse("its splitting rule is not the byte-level one of GPT-2");
        if (!at(m_tokenizer, "normalizer").is_null()) refuse("it normalises text");
    }

    void place(const Json& number, const std::string& token, std::int64_t type) {
        const auto id = wholeNumber(number);
        if (!id || *id >= kMostTokens) return refuse("a token id is out of range");
        const auto index = static_cast<std::size_t>(*id);
        if (index >= m_tokens.size()) {
            m_tokens.resize(index + 1);
            m_types.resize(index + 1, kUnused);
        }
        m_tokens[index] = token;
        m_types[index] = type;
    }

    void readVocabulary() {
        const Json& vocabulary = at(at(m_tokenizer, "model"), "vocab");
        if (!vocabulary.is_object() || vocabulary.empty()) return refuse("it has no vocabulary");
        for (const auto& [token, id] : vocabulary.items()) place(id, token, kNormal);
    }

    void readAddedTokens() {
        const Json& added = at(m_tokenizer, "added_tokens");
        if (!added.is_array()) return;
        for (const Json& entry : added) {
            const Json& content = at(entry, "content");
            if (!content.is_string()) return refuse("an added token has no text");
            place(at(entry, "id"), content.get<std::string>(), at(entry, "special") == true ? kControl : kUserDefined);
        }
    }

    /// Either "left right" or ["left", "right"].
    void readMerges() {
        const Json& merges = at(at(m_tokenizer, "model"), "merges");
        if (!merges.is_array()) return refuse("it has no merges");
        for (const Json& merge : merges) {
            if (merge.is_string()) m_merges.push_back(merge.get<std::string>());
            else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
                m_merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
            else return refuse("a merge is no pair");
        }
    }

    void fillHoles() {
        for (std::size_t id = 0; id < m_tokens.size(); ++id)
            if (m_types[id] == kUnused) m_tokens[id] = fmt::format("[unused {}]", id);
    }

    static void addSpecial(Metadata& metadata, const Json& config, const char* key, std::size_t count) {
        if (const auto id = wholeNumber(at(config, key)); id && *id < count)
            metadata.emplace_back(std::string("tokenizer.ggml.") + key, metadataU32(*id));
    }

    const Json& m_tokenizer;
    std::vector<std::string> m_tokens;
    std::vector<std::int64_t> m_types;
    std::vector<std::string> m_merges;
};

} // namespace

std::optional<Metadata> tokenizerFromJson(const Json& tokenizer, const Json& config, Diagnostics& notes) {
    Translation translation(tokenizer);
    auto metadata = translation.run(config);
    if (!metadata) notes.warn("the tokenizer is left out: " + translation.problem, "tokenizer.json");
    return metadata;
}

std::optional<Metadata> tokenizerBeside(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) {
    std::error_code ignored;
    const auto folder = std::filesystem::is_directory(path, ignored) ? path : path.parent_path();
    const auto place = folder / "tokenizer.json";
    if (!std::filesystem::is_regular_file(place, ignored)) return std::nullopt;
    const auto tokenizer = readJsonFile(place, limits);
    if (!tokenizer) {
        notes.warn("the tokenizer is left out: " + describe(tokenizer.error()), "tokenizer.json");
        return std::nullopt;
    }
    const auto configPlace = configBeside(path);
    const auto config = configPlace ? readJsonFile(*configPlace, limits) : Result<Json>(Json());
    return tokenizerFromJson(*tokenizer, config ? *config : Json(), notes);
}

} // namespace qscope::engine
