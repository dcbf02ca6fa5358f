// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/model_config.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_details.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

/// One size under its name in both worlds: the table from which every conversion here is made.
struct SizeField {
    std::int64_t ModelConfig::* member;
    const char* json;
    const char* gpt2; ///< what GPT-2 calls it in JSON, or null
    const char* gguf; ///< after "<architecture>."
    bool always;      ///< written to JSON even when zero
};
constexpr SizeField kSizes[] = {
    {&ModelConfig::context, "max_position_embeddings", "n_positions", "context_length", true},
    {&ModelConfig::width, "hidden_size", "n_embd", "embedding_length", true},
    {&ModelConfig::layers, "num_hidden_layers", "n_layer", "block_count", true},
    {&ModelConfig::hidden, "intermediate_size", "n_inner", "feed_forward_length", true},
    {&ModelConfig::heads, "num_attention_heads", "n_head", "attention.head_count", true},
    {&ModelConfig::kvHeads, "num_key_value_heads", nullptr, "attention.head_count_kv", true},
    {&ModelConfig::vocabulary, "vocab_size", "vocab_size", "vocab_size", true},
    {&ModelConfig::headSize, "head_dim", nullptr, "attention.key_length", false},
    {&ModelConfig::experts, "num_local_experts", nullptr, "expert_count", false},
    {&ModelConfig::expertsUsed, "num_experts_per_tok", nullptr, "expert_used_count", false},
    {&ModelConfig::window, "sliding_window", nullptr, "attention.sliding_window", false},
};

struct RealField {
    double ModelConfig::* member;
    const char* json;
    const char* gguf;
};
constexpr RealField kReals[] = {
    {&ModelConfig::normEpsilon, "rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {&ModelConfig::normEpsilon, "layer_norm_epsilon", "attention.layer_norm_epsilon"},
    {&ModelConfig::ropeBase, "rope_theta", "rope.freq_base"},
    {&ModelConfig::attentionCap, "attn_logit_softcapping", "attn_logit_softcapping"},
    {&ModelConfig::outputCap, "final_logit_softcapping", "final_logit_softcapping"},
};

/// Whether a family has the field at all.
bool has(const Architecture& family, const SizeField& field) {
    return (field.member != &ModelConfig::window || family.window) && (!family.layerNorm || field.gpt2);
}
bool has(const Architecture& family, const RealField& field) {
    const std::string_view key = field.json;
    if (key == "rms_norm_eps" || key == "rope_theta") return !family.layerNorm;
    return key != "layer_norm_epsilon" || family.layerNorm;
}

constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int32_t>::max();

void finish(ModelConfig& config, std::string_view architecture) {
    if (config.kvHeads == 0) config.kvHeads = config.heads;
    if (config.hidden == 0 && architecture == "gpt2") config.hidden = 4 * config.width; // its config says null
}

std::optional<std::uint64_t> unsignedValue(const MetadataValue* value) {
    if (!value) return std::nullopt;
    if (const auto* held = std::get_if<std::uint64_t>(&value->value)) return *held;
    if (const auto* held = std::get_if<std::int64_t>(&value->value); held && *held >= 0)
        return static_cast<std::uint64_t>(*held);
    return std::nullopt;
}

bool usable(double value) { return std::isfinite(value) && value > 0; }

/// Settings that are there and cannot be meant, as a text or a negative size: the model runs as if they were absent. Null
/// and zero say that there is none.
std::vector<std::string> unusableSettings(const Json& json) {
    std::vector<std::string> keys;
    const auto look = [&](const char* key, const auto& isUsable) {
        const auto found = key && json.is_object() ? json.find(key) : json.end();
        if (found == json.end() || found->is_null() || found->is_boolean()) return;
        if (!isUsable(*found) && std::ranges::find(keys, key) == keys.end()) keys.emplace_back(key);
    };
    for (const SizeField& field : kSizes)
        for (const char* key : {field.json, field.gpt2})
            look(key, [](const Json& value) { return wholeNumber(value).value_or(kLargestSize + 1) <= kLargestSize; });
    for (const RealField& field : kReals)
        look(field.json, [](const Json& value) { return value.is_number() && value.get<double>() >= 0; });
    return keys;
}

} // namespace

std::optional<std::uint64_t> wholeNumber(const Json& json) {
    if (json.is_number_unsigned()) return json.get<std::uint64_t>();
    if (json.is_number_integer() && json.get<std::int64_t>() >= 0) return json.get<std::uint64_t>();
    return std::nullopt;
}

std::optional<std::filesystem::path> configBeside(const std::filesystem::path& path) {
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(path, ignored);
    const auto parent = folder ? path : path.parent_path();
    const auto own = parent / (path.stem().string() + ".config.json");
    if (!folder && std::filesystem::is_regular_file(own, ignored)) return own;
    auto shared = parent / "config.json";
    if (std::filesystem::is_regular_file(shared, ignored)) return shared;
    return std::nullopt;
}

DescribedModel modelFromJson(const Json& json) {
    DescribedModel model;
    if (!json.is_object()) return model;
    if (const auto type = json.find("model_type"); type != json.end() && type->is_string())
        model.architecture = printable(type->get<std::string>());
    ModelConfig config;
    bool any = false;
    for (const SizeField& field : kSizes)
        if (const auto found = json.contains(field.json) || !field.gpt2 ? json.find(field.json) : json.find(field.gpt2); found != json.end())
            if (const auto size = wholeNumber(*found); size && *size <= kLargestSize) {
                config.*field.member = static_cast<std::int64_t>(*size);
                any = true;
            }
    for (const RealField& field : kReals)
        if (const auto found = json.find(field.json);
            found != json.end() && found->is_number() && usable(found->get<double>()))
            config.*field.member = found->get<double>();
    if (const auto tied = json.find("tie_word_embeddings"); tied != json.end() && tied->is_boolean())
        config.tiedOutput = tied->get<bool>();
    readDetails(json, config, model.architecture);
    finish(config, model.architecture);
    if (any) model.config = config;
    return model;
}

DescribedModel modelBeside(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) {
    const auto place = configBeside(path);
    if (!place) return {};
    const auto json = readSideJson(*place, limits);
    if (!json) {
        notes.warn("ignored: " + describe(json.error()), place->filename().string());
        return {};
    }
    for (const std::string& key : unusableSettings(*json))
        notes.warn(fmt::format("'{}' has a value that cannot be used, and counts as absent", key),
                   place->filename().string());
    return modelFromJson(*json);
}

std::optional<ModelConfig> modelFromMetadata(const Metadata& metadata, const std::string& architecture) {
    ModelConfig config;
    bool any = false;
    for (const SizeField& field : kSizes)
        if (const auto size = unsignedValue(find(metadata, architecture + "." + field.gguf));
            size && *size <= kLargestSize) {
            config.*field.member = static_cast<std::int64_t>(*size);
            any = true;
        }
    for (const RealField& field : kReals)
        if (const auto* value = find(metadata, architecture + "." + field.gguf))
            if (const auto* number = std::get_if<double>(&value->value); number && usable(*number))
                config.*field.member = *number;
    if (!any) return std::nullopt;
    readGgufDetails(metadata, config, architecture);
    finish(config, architecture);
    return config;
}

Metadata toMetadata(const ModelConfig& config, const Architecture& family) {
    const std::string prefix = std::string(family.gguf) + ".";
    Metadata metadata;
    for (const SizeField& field : kSizes)
        if (const auto size = config.*field.member; size > 0 && has(family, field))
            metadata.emplace_back(prefix + field.gguf, metadataU32(static_cast<std::uint64_t>(size)));
    for (const RealField& field : kReals)
        if (config.*field.member > 0 && has(family, field))
            metadata.emplace_back(prefix + field.gguf, MetadataValue{MetadataType::F32, MetadataType::String, config.*field.member});
    if (config.headSize > 0)
        metadata.emplace_back(prefix + "attention.value_length", metadataU32(static_cast<std::uint64_t>(config.headSize)));
    const std::int64_t rotated = config.rotated > 0    ? config.rotated
                                 : config.headSize > 0 ? config.headSize
                                 : config.heads > 0 && config.width % config.heads == 0 ? config.width / config.heads : 0;
    if (rotated > 0 && !family.layerNorm)
        metadata.emplace_back(prefix + "rope.dimension_count", metadataU32(static_cast<std::uint64_t>(rotated)));
    writeGgufDetails(config, family, metadata);
    return metadata;
}

Json toJson(const ModelConfig& config, const Architecture& family) {
    Json json = {{"architectures", {family.className}}, {"model_type", family.huggingFace}};
    for (const SizeField& field : kSizes)
        if (has(family, field) && (field.always || config.*field.member > 0))
            json[family.layerNorm ? field.gpt2 : field.json] = config.*field.member;
    for (const RealField& field : kReals) {
        if (!has(family, field) || !(config.*field.member > 0)) continue;
        // Half-way digits of a value that was stored in single precision are noise: 1e-05, not 9.99999974e-06.
        const auto single = static_cast<float>(config.*field.member);
        json[field.json] = std::strtod(fmt::format("{}", single).c_str(), nullptr);
    }
    json[family.layerNorm ? "activation_function" : family.tiedAlways ? "hidden_activation" : "hidden_act"] =
        config.activation.empty() ? std::string(family.activation) : config.activation;
    json["tie_word_embeddings"] = config.tiedOutput;
    writeDetails(config, family, json);
    return json;
}

} // namespace qscope::engine
