// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/model_details.h"

#include "engine/checkpoint/catalogue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

using Kind = RopeScaling::Kind;

constexpr std::size_t kMostLayers = 4'000;   // of a list with one entry per layer
constexpr std::size_t kMostFactors = 65'536; // of a list with one entry per frequency

/// Hugging Face's word first; GGUF has the same ones for what it knows.
struct KindName {
    std::string_view name;
    Kind kind;
};
constexpr std::array kKinds{
    KindName{"default", Kind::None},      KindName{"none", Kind::None},   KindName{"linear", Kind::Linear},
    KindName{"dynamic", Kind::Dynamic},   KindName{"yarn", Kind::Yarn},   KindName{"llama3", Kind::Llama3},
    KindName{"longrope", Kind::LongRope}, KindName{"su", Kind::LongRope},
};

Kind kindOf(std::string_view name) {
    const auto found = std::ranges::find(kKinds, name, &KindName::name);
    return found == kKinds.end() ? Kind::Unknown : found->kind;
}
std::string_view nameOf(Kind kind) { return std::ranges::find(kKinds, kind, &KindName::kind)->name; }

void read(const Json& json, const char* key, std::int64_t& size) {
    if (const auto found = json.find(key); found != json.end())
        if (const auto number = wholeNumber(*found); number && *number <= std::numeric_limits<std::int32_t>::max())
            size = static_cast<std::int64_t>(*number);
}
void read(const Json& json, const char* key, double& number) {
    if (const auto found = json.find(key); found != json.end() && found->is_number())
        if (const auto value = found->get<double>(); std::isfinite(value) && value > 0) number = value;
}
void read(const Json& json, const char* key, std::string& text) {
    if (const auto found = json.find(key); found != json.end() && found->is_string())
        text = printable(found->get<std::string>());
}
void read(const Json& json, const char* key, std::vector<double>& numbers) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_array() || found->size() > kMostFactors) return;
    numbers.clear();
    for (const Json& number : *found) numbers.push_back(number.is_number() ? number.get<double>() : 0.0);
}
bool flag(const Json& json, const char* key, bool otherwise) {
    const auto found = json.find(key);
    return found != json.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

void readRope(const Json& json, ModelConfig& config) {
    RopeScaling& rope = config.rope;
    read(json, "original_max_position_embeddings", rope.originalContext); // where Phi-3 has it
    for (const char* key : {"rope_scaling", "rope_parameters"}) {
        const auto found = json.find(key);
        if (found == json.end() || !found->is_object()) continue;
        std::string name = "default";
        for (const char* word : {"type", "rope_type"}) read(*found, word, name);
        rope.kind = kindOf(name);
        rope.name = name;
        read(*found, "factor", rope.factor);
        read(*found, "original_max_position_embeddings", rope.originalContext);
        read(*found, "attention_factor", rope.attentionFactor);
        read(*found, "beta_fast", rope.betaFast);
        read(*found, "beta_slow", rope.betaSlow);
        read(*found, "mscale", rope.scaleOfAll);
        read(*found, "mscale_all_dim", rope.scaleOfAllBase);
        read(*found, "low_freq_factor", rope.lowFrequency);
        read(*found, "high_freq_factor", rope.highFrequency);
        read(*found, "short_factor", rope.shortFactors);
        read(*found, "long_factor", rope.longFactors);
        read(*found, "rope_theta", config.ropeBase);
    }
}

/// Which layers have the window: a list of words, or the counting rules of Qwen 2.
void readWindow(const Json& json, ModelConfig& config, std::string_view architecture) {
    if (const auto types = json.find("layer_types");
        types != json.end() && types->is_array() && types->size() <= kMostLayers) {
        config.windowed.clear();
        for (const Json& type : *types) {
            const std::string word = type.is_string() ? type.get<std::string>() : "";
            if (word != "sliding_attention" && word != "full_attention")
                config.unsupported.push_back("layer type '" + printable(word) + "'");
            config.windowed.push_back(word == "sliding_attention");
        }
        return;
    }
    if (!architecture.starts_with("qwen")) return;
    if (!flag(json, "use_sliding_window", false)) {
        config.window = 0;
        return;
    }
    std::int64_t first = 28; // what the family's configuration assumes
    read(json, "max_window_layers", first);
    if (config.layers > static_cast<std::int64_t>(kMostLayers)) return; // no model; refused later
    for (std::int64_t layer = 0; layer < config.layers; ++layer) config.windowed.push_back(layer >= first);
}

/// Settings that change what a model computes, and the only value that the architectures here do.
void refuse(const Json& json, ModelConfig& config) {
    const std::array<std::pair<const char*, Json>, 5> supported{{{"scale_attn_by_inverse_layer_idx", false},
                                                                 {"scale_attn_weights", true},
                                                                 {"position_embedding_type", "absolute"},
                                                                 {"is_decoder", false},
                                                                 {"add_cross_attention", false}}};
    for (const auto& [key, value] : supported)
        if (const auto found = json.find(key); found != json.end() && !found->is_null() && *found != value)
            config.unsupported.push_back(
                fmt::format("{}={}", key, printable(found->dump(-1, ' ', true, Json::error_handler_t::replace), 40)));
}

std::optional<double> real(const Metadata& metadata, const std::string& key) {
    const MetadataValue* value = find(metadata, key);
    const auto* number = value ? std::get_if<double>(&value->value) : nullptr;
    if (!number || !std::isfinite(*number) || *number <= 0) return std::nullopt;
    return *number;
}
void read(const Metadata& metadata, const std::string& key, double& number) {
    if (const auto value = real(metadata, key)) number = *value;
}
void read(const Metadata& metadata, const std::string& key, std::int64_t& size) {
    const MetadataValue* value = find(metadata, key);
    if (!value) return;
    constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
    if (const auto* number = std::get_if<std::uint64_t>(&value->value); number && *number <= kLargest)
        size = static_cast<std::int64_t>(*number);
    if (const auto* number = std::get_if<std::int64_t>(&value->value); number && *number >= 0 && *number <= kLargest)
        size = *number;
}

/// What Yarn prescribes for cosines and sines, which GGUF's factor multiplies and Hugging Face's replaces.
double yarnAmplitude(const RopeScaling& rope) { return rope.factor > 1 ? 0.1 * std::log(rope.factor) + 1 : 1; }

/// "auto" and nothing: what Mamba's configuration makes of the width.
void completeMamba(const Json& json, ModelConfig& config) {
    std::int64_t expand = 2;
    read(json, "expand", expand);
    if (config.hidden == 0) config.hidden = expand * config.width;
    if (config.timeStepRank == 0) config.timeStepRank = (config.width + 15) / 16;
    if (config.stateSize == 0) config.stateSize = 16;
    if (config.convWidth == 0) config.convWidth = 4;
}

} // namespace

void readDetails(const Json& json, ModelConfig& config, std::string_view architecture) {
    const bool gemma = architecture.starts_with("gemma"); // whose "hidden_act" means nothing
    for (const char* key : {"hidden_act", "activation_function", "hidden_activation"})
        if (!gemma || std::string_view(key) == "hidden_activation") read(json, key, config.activation);
    if (config.hidden == 0) read(json, "ffn_dim", config.hidden);
    if (config.context == 0) read(json, "context_length", config.context);
    if (config.width == 0) read(json, "d_model", config.width);
    for (const char* key : {"layer_norm_eps", "layernorm_epsilon"}) read(json, key, config.normEpsilon);
    readRope(json, config);
    readWindow(json, config, architecture);
    double fraction = 1;
    read(json, "partial_rotary_factor", fraction);
    const std::int64_t head = config.headSize > 0 ? config.headSize
                              : config.heads > 0  ? config.width / config.heads
                                                  : 0;
    if (fraction < 1) config.rotated = static_cast<std::int64_t>(fraction * static_cast<double>(head));
    read(json, "query_pre_attn_scalar", config.queryScale);
    read(json, "type_vocab_size", config.tokenTypes);
    read(json, "word_embed_proj_dim", config.embeddingWidth);
    config.normFirst = flag(json, "do_layer_norm_before", true);
    read(json, "image_size", config.imageSize);
    read(json, "patch_size", config.patchSize);
    read(json, "num_channels", config.channels);
    read(json, "state_size", config.stateSize);
    read(json, "conv_kernel", config.convWidth);
    read(json, "time_step_rank", config.timeStepRank);
    read(json, "attention_hidden_size", config.attentionWidth);
    if (architecture == "mamba") completeMamba(json, config);
    if (architecture == "rwkv" && config.hidden == 0) config.hidden = 4 * config.width;
    if (const auto end = json.find("eos_token_id"); end != json.end())
        for (const Json& id : end->is_array() ? *end : Json::array({*end}))
            if (const auto number = wholeNumber(id); number && *number <= INT32_MAX && config.endTokens.size() < 64)
                config.endTokens.push_back(static_cast<std::int64_t>(*number));
    refuse(json, config);
}

void readGgufDetails(const Metadata& metadata, ModelConfig& config, const std::string& architecture) {
    const auto key = [&](std::string_view name) { return fmt::format("{}.{}", architecture, name); };
    read(metadata, key("rope.dimension_count"), config.rotated);
    if (const MetadataValue* value = find(metadata, key("rope.scaling.type")))
        if (const auto* name = std::get_if<std::string>(&value->value)) {
            config.rope.name = printable(*name);
            config.rope.kind = kindOf(*name);
        }
    read(metadata, key("rope.scale_linear"), config.rope.factor); // of old files, which knew no other kind
    if (config.rope.factor != 1 && config.rope.name.empty()) config.rope.kind = Kind::Linear;
    read(metadata, key("rope.scaling.factor"), config.rope.factor);
    read(metadata, key("rope.scaling.original_context_length"), config.rope.originalContext);
    read(metadata, key("rope.scaling.attn_factor"), config.rope.attentionFactor);
    if (config.rope.kind == Kind::Yarn) config.rope.attentionFactor *= yarnAmplitude(config.rope);
    read(metadata, key("rope.scaling.yarn_beta_fast"), config.rope.betaFast);
    read(metadata, key("rope.scaling.yarn_beta_slow"), config.rope.betaSlow);
    for (const char* name : {"eos", "eot"}) {
        std::int64_t id = -1;
        read(metadata, fmt::format("tokenizer.ggml.{}_token_id", name), id);
        if (id >= 0) config.endTokens.push_back(id);
    }
}

void writeDetails(const ModelConfig& config, const Architecture& family, Json& json) {
    const RopeScaling& rope = config.rope;
    const bool lists = rope.kind == Kind::LongRope; // of GGUF they are tensors, which pass as such
    if (!family.layerNorm && rope.kind != Kind::None && rope.kind != Kind::Unknown &&
        !(lists && rope.longFactors.empty())) {
        Json scaling = {{"rope_type", nameOf(rope.kind)}, {"factor", rope.factor}};
        if (rope.originalContext > 0) scaling["original_max_position_embeddings"] = rope.originalContext;
        if (rope.attentionFactor > 0) scaling["attention_factor"] = rope.attentionFactor;
        if (rope.kind == Kind::Yarn) scaling.update({{"beta_fast", rope.betaFast}, {"beta_slow", rope.betaSlow}});
        if (rope.kind == Kind::Llama3)
            scaling.update({{"low_freq_factor", rope.lowFrequency}, {"high_freq_factor", rope.highFrequency}});
        if (lists) scaling.update({{"short_factor", rope.shortFactors}, {"long_factor", rope.longFactors}});
        json["rope_scaling"] = std::move(scaling);
    }
    if (config.queryScale > 0) json["query_pre_attn_scalar"] = config.queryScale;
    const std::int64_t head = config.headSize > 0 ? config.headSize
                              : config.heads > 0  ? config.width / config.heads
                                                  : 0;
    if (config.rotated > 0 && config.rotated < head)
        json["partial_rotary_factor"] = static_cast<double>(config.rotated) / static_cast<double>(head);
}

void writeGgufDetails(const ModelConfig& config, const Architecture& family, Metadata& metadata) {
    const RopeScaling& rope = config.rope;
    const auto number = [](double value) { return MetadataValue{MetadataType::F32, MetadataType::String, value}; };
    const auto key = [&](std::string_view name) { return fmt::format("{}.rope.scaling.{}", family.gguf, name); };
    if (family.layerNorm || (rope.kind != Kind::Linear && rope.kind != Kind::Yarn)) return;
    metadata.emplace_back(key("type"), metadataText(std::string(nameOf(rope.kind))));
    metadata.emplace_back(key("factor"), number(rope.factor));
    if (rope.originalContext > 0)
        metadata.emplace_back(key("original_context_length"),
                              metadataU32(static_cast<std::uint64_t>(rope.originalContext)));
    if (rope.attentionFactor > 0)
        metadata.emplace_back(
            key("attn_factor"),
            number(rope.kind == Kind::Yarn ? rope.attentionFactor / yarnAmplitude(rope) : rope.attentionFactor));
}

} // namespace qscope::engine
