// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/tokenizer_json.h"

#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/sentencepiece.h"

#include <algorithm>

namespace qscope::engine {

namespace {

// Token types of GGUF (formats.md, section 1.1).
constexpr std::int64_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;
constexpr std::uint64_t kMostTokens = 4'000'000; ///< ids decide how long the list becomes; real ones end at 1,000,000
/// A token's text and kind in lists that grow; and the text of one that is missing.
constexpr std::uint64_t kTokenBytes = 2 * (sizeof(std::string) + sizeof(std::int64_t)), kHoleBytes = 48;

// The splitting rules by which GGUF names a tokenizer, as tokenizer.json writes them.
constexpr std::string_view kLlama3Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// Reads what it needs and remembers the first thing that did not fit.
class Translation {
public:
    Translation(const Json& tokenizer, MemoryBudget budget) : m_tokenizer(tokenizer), m_budget(budget) {}

    [[nodiscard]] std::optional<Metadata> run(const Json& config) {
        checkKind();
        readVocabulary();
        readAddedTokens();
        readMerges();
        if (problem.empty()) fillHoles();
        if (!problem.empty()) return std::nullopt;
        const std::size_t count = m_tokens.size();

        Metadata metadata;
        metadata.emplace_back("tokenizer.ggml.model", metadataText("gpt2"));
        metadata.emplace_back("tokenizer.ggml.pre", metadataText(m_split));
        metadata.emplace_back("tokenizer.ggml.tokens", array(MetadataType::String, std::move(m_tokens)));
        metadata.emplace_back("tokenizer.ggml.token_type", array(MetadataType::I32, std::move(m_types)));
        metadata.emplace_back("tokenizer.ggml.merges", array(MetadataType::String, std::move(m_merges)));
        addSpecial(metadata, config, "bos_token_id", count);
        addSpecial(metadata, config, "eos_token_id", count);
        metadata.emplace_back("tokenizer.ggml.add_bos_token",
                              MetadataValue{MetadataType::Bool, MetadataType::String, beginsWithToken(at(m_tokenizer, "post_processor"))});
        return metadata;
    }

    std::string problem;
    bool normalizes = false; ///< to NFC, which readers of GGUF do not do

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

    /// A step of a list of splitting rules that is the byte-level one, with or without GPT-2's own rule in it.
    static bool isByteLevel(const Json& step, bool withRule) {
        return at(step, "type") == "ByteLevel" && at(step, "add_prefix_space") != true && (at(step, "use_regex") != false) == withRule;
    }

    /// GGUF's name for the splitting rule, or nothing.
    static std::string splitName(const Json& split) {
        if (isByteLevel(split, true)) return "gpt-2";
        const Json& steps = at(split, "pretokenizers");
        if (at(split, "type") != "Sequence" || !steps.is_array()) return {};
        if (steps.size() == 2 && at(steps[0], "type") == "Split" && at(steps[0], "behavior") == "Isolated" && isByteLevel(steps[1], false)) {
            const Json& rule = at(at(steps[0], "pattern"), "Regex");
            if (rule == kLlama3Split) return "llama-bpe";
            if (rule == kQwen2Split) return "qwen2";
        }
        if (steps.size() == 2 && at(steps[0], "type") == "Digits" && at(steps[0], "individual_digits") == true && isByteLevel(steps[1], true))
            return "starcoder";
        if (steps.size() == 4 && at(steps[0], "type") == "Punctuation" && isByteLevel(steps[1], true) && at(steps[2], "type") == "Digits" &&
            at(steps[2], "individual_digits") == false && at(at(steps[3], "pattern"), "Regex") == "[0-9][0-9][0-9]")
            return "falcon";
        return {};
    }

    /// Whether a template puts a token in front of every text.
    static bool beginsWithToken(const Json& post) {
        if (const Json& steps = at(post, "processors"); steps.is_array())
            return std::ranges::any_of(steps, [](const Json& step) { return at(step, "type") == "TemplateProcessing" && beginsWithToken(step); });
        const Json& single = at(post, "single");
        return single.is_array() && !single.empty() && single[0].contains("SpecialToken");
    }

    void checkKind() {
        if (at(at(m_tokenizer, "model"), "type") != "BPE") refuse("it is not a BPE tokenizer");
        m_split = splitName(at(m_tokenizer, "pre_tokenizer"));
        if (m_split.empty()) refuse("its splitting rule is none that GGUF has a name for");
        const Json& normalizer = at(m_tokenizer, "normalizer");
        normalizes = at(normalizer, "type") == "NFC";
        if (!normalizer.is_null() && !normalizes) refuse("it normalises text");
    }

    void place(const Json& number, const std::string& token, std::int64_t type) {
        const auto id = wholeNumber(number);
        if (!id || *id >= kMostTokens) return refuse("a token id is out of range");
        const auto index = static_cast<std::size_t>(*id);
        const std::uint64_t more = index >= m_tokens.size() ? index + 1 - m_tokens.size() : 0;
        if (!m_budget.spend(more * kTokenBytes + textHeapBytes(token.size()))) return refuse("its ids make far too long a list");
        if (more > 0) {
            m_tokens.resize(index + 1);
            m_types.resize(index + 1, kUnused);
        }
        m_tokens[index] = token;
        m_types[index] = type;
    }

    void readVocabulary() {
        const Json& vocabulary = at(at(m_tokenizer, "model"), "vocab");
        if (!vocabulary.is_object() || vocabulary.empty()) return refuse("it has no vocabulary");
        for (const auto& [token, id] : vocabulary.items()) {
            place(id, token, kNormal);
            if (!problem.empty()) return;
        }
    }

    void readAddedTokens() {
        const Json& added = at(m_tokenizer, "added_tokens");
        if (!added.is_array()) return;
        for (const Json& entry : added) {
            const Json& content = at(entry, "content");
            if (!content.is_string()) return refuse("an added token has no text");
            place(at(entry, "id"), content.get<std::string>(), at(entry, "special") == true ? kControl : kUserDefined);
            if (!problem.empty()) return;
        }
    }

    /// Either "left right" or ["left", "right"].
    void readMerges() {
        const Json& merges = at(at(m_tokenizer, "model"), "merges");
        if (!merges.is_array()) return refuse("it has no merges");
        // Most are short; the rest is less than what the JSON, which holds the same texts, was charged for.
        if (!m_budget.spend(merges.size() * sizeof(std::string))) return refuse("it has far too many merges");
        m_merges.reserve(merges.size());
        for (const Json& merge : merges) {
            if (merge.is_string()) m_merges.push_back(merge.get<std::string>());
            else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
                m_merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
            else return refuse("a merge is no pair");
        }
    }

    void fillHoles() {
        const auto holes = static_cast<std::uint64_t>(std::ranges::count(m_types, kUnused));
        if (!m_budget.spend(holes * kHoleBytes)) return refuse("its ids leave far too many holes");
        for (std::size_t id = 0; id < m_tokens.size(); ++id)
            if (m_types[id] == kUnused) m_tokens[id] = fmt::format("[unused {}]", id);
    }

    static void addSpecial(Metadata& metadata, const Json& config, const char* key, std::size_t count) {
        if (const auto id = wholeNumber(at(config, key)); id && *id < count)
            metadata.emplace_back(std::string("tokenizer.ggml.") + key, metadataU32(*id));
    }

    const Json& m_tokenizer;
    MemoryBudget m_budget;
    std::string m_split;
    std::vector<std::string> m_tokens;
    std::vector<std::int64_t> m_types;
    std::vector<std::string> m_merges;
};

/// Files are looked for beside the model: first one of the model's own name, then the one that everyone uses.
std::optional<std::filesystem::path> fileBeside(const std::filesystem::path& model, const char* name) {
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(model, ignored);
    const auto parent = folder ? model : model.parent_path();
    const auto own = parent / (model.stem().string() + "." + name);
    if (!folder && std::filesystem::is_regular_file(own, ignored)) return own;
    auto shared = parent / name;
    if (std::filesystem::is_regular_file(shared, ignored)) return shared;
    return std::nullopt;
}

Json readBeside(const std::filesystem::path& model, const char* name, const ReadLimits& limits) {
    const auto place = fileBeside(model, name);
    auto json = place ? readSideJson(*place, limits) : Result<Json>(Json());
    return json && json->is_object() ? *std::move(json) : Json();
}

template<class T>
std::vector<T>* listIn(Metadata& metadata, std::string_view key) {
    const auto found = std::ranges::find(metadata, key, &Metadata::value_type::first);
    return found == metadata.end() ? nullptr : std::get_if<std::vector<T>>(&found->second.value);
}

/// Embeddings may have more rows than there are tokens; readers want a token for each.
void padVocabulary(Metadata& metadata, const Json& config, MemoryBudget budget, Diagnostics& notes) {
    const std::uint64_t wanted = config.is_object() && config.contains("vocab_size") ? wholeNumber(config["vocab_size"]).value_or(0) : 0;
    auto* tokens = listIn<std::string>(metadata, "tokenizer.ggml.tokens");
    auto* types = listIn<std::int64_t>(metadata, "tokenizer.ggml.token_type");
    if (wanted > kMostTokens || !tokens || !types || wanted <= tokens->size()) return;
    if (!budget.spend((wanted - tokens->size()) * (kTokenBytes + kHoleBytes + 2 * sizeof(double)))) {
        notes.warn(fmt::format("the vocabulary of {} tokens is not filled up to {}", tokens->size(), wanted), "tokenizer");
        return;
    }
    for (std::size_t id = tokens->size(); id < wanted; ++id) {
        tokens->push_back(fmt::format("[PAD{}]", id));
        types->push_back(kUnused);
        if (auto* scores = listIn<double>(metadata, "tokenizer.ggml.scores")) scores->push_back(-10000);
    }
}

void addChatTemplate(Metadata& metadata, const Json& settings) {
    if (settings.is_object() && settings.contains("chat_template") && settings["chat_template"].is_string())
        metadata.emplace_back("tokenizer.chat_template", metadataText(settings["chat_template"].get<std::string>()));
}

/// What every reader of a tokenizer.json of byte-level BPE knows, around a vocabulary.
Json bytesAroundBpe(std::string_view split) {
    const auto byteLevel = [](bool rule) {
        return Json{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", rule}};
    };
    Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", Json::array()},
                 {"normalizer", nullptr}, {"pre_tokenizer", byteLevel(true)}, {"post_processor", nullptr}, {"decoder", byteLevel(true)}};
    if (split != "gpt-2")
        json["pre_tokenizer"] = {{"type", "Sequence"},
                                 {"pretokenizers",
                                  {{{"type", "Split"}, {"pattern", {{"Regex", split == "qwen2" ? kQwen2Split : kLlama3Split}}},
                                    {"behavior", "Isolated"}, {"invert", false}},
                                   byteLevel(false)}}};
    return json;
}

template<class T>
const std::vector<T>* listOf(const Metadata& metadata, std::string_view key) {
    const MetadataValue* value = find(metadata, key);
    return value ? std::get_if<std::vector<T>>(&value->value) : nullptr;
}

} // namespace

std::optional<Metadata> tokenizerFromJson(const Json& tokenizer, const Json& config, Diagnostics& notes, MemoryBudget budget) {
    Translation translation(tokenizer, budget);
    auto metadata = translation.run(config);
    if (!metadata) notes.warn("the tokenizer is left out: " + translation.problem, "tokenizer.json");
    else if (translation.normalizes) notes.note("readers of GGUF do not normalise text to NFC, as this tokenizer does", "tokenizer.json");
    return metadata;
}

std::optional<Json> tokenizerToJson(const Metadata& metadata) {
    const auto text = [&](std::string_view key) {
        const MetadataValue* value = find(metadata, key);
        const auto* held = value ? std::get_if<std::string>(&value->value) : nullptr;
        return held ? *held : std::string();
    };
    const std::string split = text("tokenizer.ggml.pre");
    const auto* tokens = listOf<std::string>(metadata, "tokenizer.ggml.tokens");
    const auto* merges = listOf<std::string>(metadata, "tokenizer.ggml.merges");
    const auto* types = listOf<std::int64_t>(metadata, "tokenizer.ggml.token_type");
    const bool known = split == "gpt-2" || split == "llama-bpe" || split == "qwen2";
    if (text("tokenizer.ggml.model") != "gpt2" || !known || !tokens || !merges || !types || types->size() != tokens->size())
        return std::nullopt;
    Json json = bytesAroundBpe(split);
    Json vocabulary = Json::object();
    auto& entries = vocabulary.get_ref<Json::object_t&>(); // a million tokens: no search before each
    for (std::size_t id = 0; id < tokens->size(); ++id) {
        const std::int64_t type = (*types)[id];
        if (type == kControl || type == kUserDefined)
            json["added_tokens"].push_back({{"id", id}, {"content", (*tokens)[id]}, {"single_word", false}, {"lstrip", false},
                                            {"rstrip", false}, {"normalized", false}, {"special", type == kControl}});
        else if (type == kNormal) entries.emplace_back((*tokens)[id], id);
    }
    if (entries.empty()) return std::nullopt; // readers want one
    json["model"] = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"continuing_subword_prefix", nullptr},
                     {"end_of_word_suffix", nullptr}, {"fuse_unk", false}, {"byte_fallback", false}, {"vocab", std::move(vocabulary)},
                     {"merges", *merges}};
    return json;
}

std::optional<Metadata> tokenizerBeside(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) {
    const auto configPlace = configBeside(path);
    const auto config = configPlace ? readSideJson(*configPlace, limits) : Result<Json>(Json());
    std::optional<Metadata> metadata;
    MemoryBudget budget(0);
    if (const auto place = fileBeside(path, "tokenizer.model")) {
        const auto file = MappedFile::open(*place);
        if (file) metadata = tokenizerFromSentencePiece((*file)->bytes(), notes);
    }
    if (const auto place = metadata ? std::nullopt : fileBeside(path, "tokenizer.json")) {
        const auto tokenizer = readJsonFile(*place, limits, budget, JsonPairs::Join);
        if (tokenizer) metadata = tokenizerFromJson(*tokenizer, config ? *config : Json(), notes, budget);
        else notes.warn("the tokenizer is left out: " + describe(tokenizer.error()), "tokenizer.json");
    }
    if (!metadata) return std::nullopt;
    padVocabulary(*metadata, config ? *config : Json(), MemoryBudget::forSideFile(), notes);
    addChatTemplate(*metadata, readBeside(path, "tokenizer_config.json", limits));
    return metadata;
}

} // namespace qscope::engine
