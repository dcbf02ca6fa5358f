// SPDX-License-Identifier: GPL-3.0-or-later
// Phi-3 (Abdin et al., 2024): Llama's form with queries, keys and values in one matrix, gate and up in another.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

void buildPhi3(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.hidden, "width of the feed-forward part");
    const std::string act = config.activation.empty() ? "silu" : config.activation;
    const std::int64_t queries = config.heads * network.headSize(), keys = config.kvHeads * network.headSize();

    ValueId stream = network.embedding("model.embed_tokens", tokens, config.vocabulary, config.width);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("model.layers.{}", layer), self = block + ".self_attn",
                          mlp = block + ".mlp";
        const ValueId x = network.rmsNorm(block + ".input_layernorm", stream, config.width);
        const ValueId fused = network.linear(self + ".qkv_proj", x, queries + 2 * keys, config.width);
        const auto parts = network.split(self + ".qkv", fused, {queries, keys, keys});
        const ValueId q = network.rotary(self + ".q_rotary", parts[0], config.heads);
        const ValueId k = network.rotary(self + ".k_rotary", parts[1], config.kvHeads);
        const AttentionForm form{
            .heads = config.heads, .kvHeads = config.kvHeads, .window = network.window(layer), .slot = layer};
        const ValueId mixed = network.attention(self + ".attention", q, k, parts[2], form);
        const ValueId attended = network.linear(self + ".o_proj", mixed, config.width, queries);
        network.graph.rename(attended, self + ".output");
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.rmsNorm(block + ".post_attention_layernorm", middle, config.width);
        const ValueId both = network.linear(mlp + ".gate_up_proj", y, 2 * config.hidden, config.width);
        const auto halves = network.split(mlp + ".gate_up", both, {config.hidden, config.hidden});
        const ValueId open = network.activation(mlp + ".activation_fn", halves[0], act);
        const ValueId product = network.binary("Mul", mlp + ".product", halves[1], open);
        const ValueId down = network.linear(mlp + ".down_proj", product, config.width, config.hidden);
        network.graph.rename(down, mlp + ".output");
        stream = network.binary("Add", block, middle, down);
    }
    network.graph.setBlock(std::nullopt);
    network.logits("lm_head", "model.embed_tokens", network.rmsNorm("model.norm", stream, config.width), config.width);
}

} // namespace qscope::engine::nn
