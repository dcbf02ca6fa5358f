// SPDX-License-Identifier: GPL-3.0-or-later
// Gemma (Gemma Team, 2024): embeddings scaled by the root of the width, norms around 1, heads of a size of their own.
// Gemma 2 (Gemma Team, 2024): norms behind attention and feed-forward too, soft caps, every other layer with a window.
#include "engine/nn/architectures/network_builder.h"

#include <cmath>

namespace qscope::engine::nn {

namespace {

void build(NetworkBuilder& network, bool second) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.hidden, "width of the feed-forward part");
    const std::string act = config.activation.empty() ? "gelu_pytorch_tanh" : config.activation;
    const std::int64_t queries = config.heads * network.headSize(), keys = config.kvHeads * network.headSize();

    ValueId stream = network.embedding("model.embed_tokens", tokens, config.vocabulary, config.width);
    const auto root = static_cast<float>(std::sqrt(static_cast<double>(config.width)));
    stream = network.binary("Mul", "model.embed_scale", stream, network.scalar("model.embed_scale.factor", root));
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("model.layers.{}", layer), self = block + ".self_attn";
        const ValueId x = network.shiftedNorm(block + ".input_layernorm", stream, config.width);
        ValueId q = network.linear(self + ".q_proj", x, queries, config.width);
        ValueId k = network.linear(self + ".k_proj", x, keys, config.width);
        const ValueId v = network.linear(self + ".v_proj", x, keys, config.width);
        q = network.rotary(self + ".q_rotary", q, config.heads);
        k = network.rotary(self + ".k_rotary", k, config.kvHeads);
        AttentionForm form{.heads = config.heads, .kvHeads = config.kvHeads, .cap = config.attentionCap, .slot = layer};
        if (config.queryScale > 0) form.scale = 1 / std::sqrt(config.queryScale);
        if (second) form.window = network.window(layer, layer % 2 == 0);
        const ValueId mixed = network.attention(self + ".attention", q, k, v, form);
        ValueId attended = network.linear(self + ".o_proj", mixed, config.width, queries);
        network.graph.rename(attended, self + ".output");
        if (second) attended = network.shiftedNorm(block + ".post_attention_layernorm", attended, config.width);
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.shiftedNorm(
            block + (second ? ".pre_feedforward_layernorm" : ".post_attention_layernorm"), middle, config.width);
        ValueId fed = network.gatedFeedForward(block + ".mlp", y, act);
        if (second) fed = network.shiftedNorm(block + ".post_feedforward_layernorm", fed, config.width);
        stream = network.binary("Add", block, middle, fed);
    }
    network.graph.setBlock(std::nullopt);
    network.logits("lm_head", "model.embed_tokens", network.shiftedNorm("model.norm", stream, config.width),
                   config.width);
}

} // namespace

void buildGemma(NetworkBuilder& network) { build(network, false); }
void buildGemma2(NetworkBuilder& network) { build(network, true); }

} // namespace qscope::engine::nn
