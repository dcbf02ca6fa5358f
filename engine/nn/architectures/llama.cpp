// SPDX-License-Identifier: GPL-3.0-or-later
// Llama (Touvron et al., 2023) and what shares its form: Mistral (Jiang et al., 2023) with a window, Qwen 2 with biases
// on queries, keys and values, Qwen 3 with norms over the heads of queries and keys.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

void buildLlama(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.hidden, "width of the feed-forward part");
    const std::string act = config.activation.empty() ? "silu" : config.activation;
    const std::int64_t queries = config.heads * network.headSize(), keys = config.kvHeads * network.headSize();

    ValueId stream = network.embedding("model.embed_tokens", tokens, config.vocabulary, config.width);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("model.layers.{}", layer), self = block + ".self_attn";
        const ValueId x = network.rmsNorm(block + ".input_layernorm", stream, config.width);
        ValueId q = network.linear(self + ".q_proj", x, queries, config.width);
        ValueId k = network.linear(self + ".k_proj", x, keys, config.width);
        const ValueId v = network.linear(self + ".v_proj", x, keys, config.width);
        if (network.has(self + ".q_norm.weight")) q = network.headNorm(self + ".q_norm", q, config.heads);
        if (network.has(self + ".k_norm.weight")) k = network.headNorm(self + ".k_norm", k, config.kvHeads);
        q = network.rotary(self + ".q_rotary", q, config.heads);
        k = network.rotary(self + ".k_rotary", k, config.kvHeads);
        const AttentionForm form{
            .heads = config.heads, .kvHeads = config.kvHeads, .window = network.window(layer), .slot = layer};
        const ValueId mixed = network.attention(self + ".attention", q, k, v, form);
        const ValueId attended = network.linear(self + ".o_proj", mixed, config.width, queries);
        network.graph.rename(attended, self + ".output");
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.rmsNorm(block + ".post_attention_layernorm", middle, config.width);
        stream = network.binary("Add", block, middle, network.gatedFeedForward(block + ".mlp", y, act));
    }
    network.graph.setBlock(std::nullopt);
    network.logits("lm_head", "model.embed_tokens", network.rmsNorm("model.norm", stream, config.width), config.width);
}

} // namespace qscope::engine::nn
