// SPDX-License-Identifier: GPL-3.0-or-later
// OPT (Zhang et al., 2022): learned positions from the third row on; the smallest models but one have norms behind the
// parts and an embedding narrower than the network.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

namespace {
constexpr std::int64_t kFirstPosition = 2; // rows 0 and 1 of the position table are never used
}

void buildOpt(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.context, "number of positions");
    network.need(config.hidden, "width of the feed-forward part");
    const std::string act = config.activation.empty() ? "relu" : config.activation, root = "model.decoder";
    const std::int64_t width = config.width, narrow = config.embeddingWidth > 0 ? config.embeddingWidth : width;

    ValueId stream = network.embedding(root + ".embed_tokens", tokens, config.vocabulary, narrow);
    if (narrow != width) stream = network.linear(root + ".project_in", stream, width, narrow);
    const ValueId rows = network.binary("Add", root + ".position_rows", network.positions(),
                                        network.list(root + ".first_position", {kFirstPosition}));
    const ValueId places = network.embedding(root + ".embed_positions", rows, config.context + kFirstPosition, width);
    stream = network.binary("Add", root + ".embedded", stream, places);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("{}.layers.{}", root, layer), self = block + ".self_attn";
        const auto norm = [&](const std::string& name, ValueId x, bool here) {
            return here ? network.layerNorm(block + name, x, width) : x;
        };
        const ValueId x = norm(".self_attn_layer_norm", stream, config.normFirst);
        const ValueId q = network.linear(self + ".q_proj", x, width, width);
        const ValueId k = network.linear(self + ".k_proj", x, width, width);
        const ValueId v = network.linear(self + ".v_proj", x, width, width);
        const AttentionForm form{.heads = config.heads, .kvHeads = config.heads, .slot = layer};
        const ValueId mixed = network.attention(self + ".attention", q, k, v, form);
        const ValueId attended = network.linear(self + ".out_proj", mixed, width, width);
        network.graph.rename(attended, self + ".output");
        ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        middle = norm(".self_attn_layer_norm", middle, !config.normFirst);
        const ValueId y = norm(".final_layer_norm", middle, config.normFirst);
        const ValueId open =
            network.activation(block + ".activation_fn", network.linear(block + ".fc1", y, config.hidden, width), act);
        const ValueId fed = network.linear(block + ".fc2", open, width, config.hidden);
        network.graph.rename(fed, block + ".mlp.output");
        stream = network.binary("Add", config.normFirst ? block : block + ".sum", middle, fed);
        if (config.normFirst) continue;
        stream = norm(".final_layer_norm", stream, true);
        network.graph.rename(stream, block + ".output");
    }
    network.graph.setBlock(std::nullopt);
    if (network.has(root + ".final_layer_norm.weight"))
        stream = network.layerNorm(root + ".final_layer_norm", stream, width);
    if (narrow != width) stream = network.linear(root + ".project_out", stream, narrow, width);
    network.logits("lm_head", root + ".embed_tokens", stream, narrow);
}

} // namespace qscope::engine::nn
