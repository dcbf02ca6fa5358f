// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/model.h"

#include "engine/plan/common_names.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace qscope::engine {

namespace {

constexpr std::int64_t kLongestContext = 1 << 20; // a table of 512 MB at usual head sizes
constexpr std::int64_t kGemma2LargeLayers = 46;

std::uint64_t quarterOfMemory() {
    const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGE_SIZE);
    return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) / 4 : 0;
}

/// Divisors of rotary frequencies that GGUF files hold as a tensor.
Result<std::vector<double>> factors(const Checkpoint& checkpoint, std::string_view name) {
    const auto tensor = checkpoint.find(name);
    if (!tensor) return std::vector<double>();
    const TensorView view = checkpoint.view(*tensor);
    constexpr std::int64_t kMost = 65'536;
    if (elementCount(view.shape) > kMost)
        return fail(ErrorCode::Malformed, "'{}' has {} elements", name, elementCount(view.shape));
    std::vector<double> values(static_cast<std::size_t>(elementCount(view.shape)));
    QSCOPE_CHECK(decode(view, 0, std::span<double>(values)));
    return values;
}

/// What a GGUF file says by tensors, or leaves to whoever knows the family.
Result<void> completeFromGguf(const Checkpoint& checkpoint, std::string_view family, ModelConfig& config) {
    RopeScaling& rope = config.rope;
    QSCOPE_TRY(auto all, factors(checkpoint, "rope_freqs.weight")); // of Llama 3.1, its scaling worked out
    if (!all.empty()) {
        rope.kind = RopeScaling::Kind::LongRope;
        rope.shortFactors = rope.longFactors = std::move(all);
        rope.attentionFactor = 1;
    }
    QSCOPE_TRY(auto longer, factors(checkpoint, "rope_factors_long.weight"));
    QSCOPE_TRY(auto shorter, factors(checkpoint, "rope_factors_short.weight"));
    if (!longer.empty() && !shorter.empty()) {
        rope.kind = RopeScaling::Kind::LongRope;
        rope.longFactors = std::move(longer);
        rope.shortFactors = std::move(shorter);
    }
    if (family == "gemma2" && config.queryScale == 0 && config.layers == kGemma2LargeLayers && config.heads > 0)
        config.queryScale = static_cast<double>(config.width) / static_cast<double>(config.heads);
    return {};
}

/// How long a text may get, and how many positions are prepared for it.
Result<std::int64_t> chosenContext(std::string_view family, const ModelConfig& config, std::int64_t asked,
                                   Diagnostics& notes) {
    if (asked < 0 || asked > kLongestContext) return fail(ErrorCode::OutOfRange, "a context of {} tokens", asked);
    if (isRecurrent(family)) return asked;
    if (asked == 0) return config.context > 0 ? std::min(config.context, kUsualContext) : kUsualContext;
    if (config.context > 0 && asked > config.context) {
        if (hasPositionTable(family))
            return fail(ErrorCode::OutOfRange, "a context of {} tokens: the model has a table of {} positions", asked,
                        config.context);
        notes.warn(fmt::format("the context of {} tokens is longer than the {} that the model was made for", asked,
                               config.context));
    }
    return asked;
}

/// Tensors that files hold beside the weights and that everyone makes anew, or does not need.
bool isKnownExtra(std::string_view name) {
    constexpr std::array<std::string_view, 6> kEnds{".attn.bias",   ".attn.masked_bias", "rotary_emb.inv_freq",
                                                    "position_ids", "lm_head.weight",    "seq_relationship.weight"};
    return name.starts_with("rope_f") ||
           std::ranges::any_of(kEnds, [&](std::string_view end) { return name.ends_with(end); });
}

Result<void> checkExtras(const Checkpoint& checkpoint, const ModelWeights& weights, const nn::Architecture& made,
                         const ModelConfig& config, Diagnostics& notes) {
    std::vector<std::string_view> used;
    for (const nn::WeightShape& weight : made.weights) used.push_back(weight.name);
    std::ranges::sort(used);
    std::size_t unused = 0;
    std::string first;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const std::string& name = weights.nameOf(i);
        if (name.empty() || isKnownExtra(name) || std::ranges::binary_search(used, name)) continue;
        if (const auto layer = layerIndex(name); layer && *layer >= config.layers)
            return fail(ErrorCode::Malformed, "tensor '{}' belongs to layer {}, and the model's description has {}",
                        name, *layer, config.layers);
        if (unused++ == 0) first = name;
    }
    if (unused > 0) notes.warn(fmt::format("the model's graph leaves {} tensors out", unused), first);
    return {};
}

} // namespace

Result<Model> loadModel(std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options, Diagnostics& notes) {
    Model model;
    model.family = modelFamily(*checkpoint);
    if (model.family.empty() || !checkpoint->config)
        return fail(ErrorCode::Unsupported,
                    "the checkpoint does not say what model it is; a config.json beside it does");
    model.config = *checkpoint->config;
    const auto weights =
        std::make_shared<ModelWeights>(checkpoint, model.family, options.keep.value_or(quarterOfMemory()));
    if (checkpoint->format == "gguf") QSCOPE_CHECK(completeFromGguf(*checkpoint, model.family, model.config));
    const auto embedding = weights->shapeOf(std::string(embeddingModule(model.family)) + ".weight");
    if (model.config.vocabulary == 0 && embedding && !embedding->empty()) model.config.vocabulary = embedding->front();
    QSCOPE_TRY(model.context, chosenContext(model.family, model.config, options.context, notes));
    const auto find = [&](std::string_view name) { return weights->shapeOf(name); };
    QSCOPE_TRY(auto made, nn::buildArchitecture(model.family, model.config, {model.context, find}));
    QSCOPE_CHECK(weights->expect(made.weights));
    QSCOPE_CHECK(checkExtras(*checkpoint, *weights, made, model.config, notes));
    model.checkpoint = std::move(checkpoint);
    model.graph = std::move(made.graph);
    model.weights = weights;
    return model;
}

bool isLanguageModel(const Model& model) {
    return model.graph->values[static_cast<std::size_t>(model.graph->outputs.front())].name == "logits";
}

Result<void> checkTokens(const Model& model, std::span<const int> tokens, std::int64_t position) {
    if (tokens.empty()) return fail(ErrorCode::OutOfRange, "there are no tokens to run the model on");
    for (std::size_t i = 0; i < tokens.size(); ++i)
        if (tokens[i] < 0 || tokens[i] >= model.config.vocabulary)
            return fail(ErrorCode::OutOfRange, "token {} is {}, outside the vocabulary of {}", i, tokens[i],
                        model.config.vocabulary);
    const auto length = static_cast<std::int64_t>(tokens.size());
    if (model.context > 0 && length > model.context - position)
        return fail(ErrorCode::OutOfRange, "{} tokens are more than the context of {}", position + length,
                    model.context);
    return {};
}

std::vector<nn::Value> tokenInputs(std::span<const int> tokens, std::int64_t position) {
    const auto time = static_cast<std::int64_t>(tokens.size());
    std::vector<std::int64_t> positions(tokens.size());
    std::iota(positions.begin(), positions.end(), position);
    return {nn::makeValue<std::int64_t>({1, time}, {tokens.begin(), tokens.end()}),
            nn::makeValue<std::int64_t>({time}, std::move(positions))};
}

} // namespace qscope::engine
