// SPDX-License-Identifier: GPL-3.0-or-later
// GPT-2 (Radford et al., 2019): learned positions, norms with mean and bias, one matrix for queries, keys and values.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

void buildGpt2(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.context, "number of positions");
    const std::string act = config.activation.empty() ? "gelu_new" : config.activation;
    const std::int64_t width = config.width;

    const ValueId words = network.embedding("transformer.wte", tokens, config.vocabulary, width);
    const ValueId places = network.embedding("transformer.wpe", network.positions(), config.context, width);
    ValueId stream = network.binary("Add", "transformer.drop", words, places);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("transformer.h.{}", layer), self = block + ".attn", mlp = block + ".mlp";
        const ValueId x = network.layerNorm(block + ".ln_1", stream, width);
        const auto parts =
            network.split(self + ".qkv", network.linear(self + ".c_attn", x, 3 * width, width), {width, width, width});
        const AttentionForm form{.heads = config.heads, .kvHeads = config.heads, .slot = layer};
        const ValueId mixed = network.attention(self + ".attention", parts[0], parts[1], parts[2], form);
        const ValueId attended = network.linear(self + ".c_proj", mixed, width, width);
        network.graph.rename(attended, self + ".output");
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.layerNorm(block + ".ln_2", middle, width);
        const ValueId open =
            network.activation(mlp + ".act", network.linear(mlp + ".c_fc", y, config.hidden, width), act);
        const ValueId fed = network.linear(mlp + ".c_proj", open, width, config.hidden);
        network.graph.rename(fed, mlp + ".output");
        stream = network.binary("Add", block, middle, fed);
    }
    network.graph.setBlock(std::nullopt);
    network.logits("lm_head", "transformer.wte", network.layerNorm("transformer.ln_f", stream, width), width);
}

} // namespace qscope::engine::nn
