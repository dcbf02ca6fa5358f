// SPDX-License-Identifier: GPL-3.0-or-later
// BERT (Devlin et al., 2018): an encoder with norms behind the parts. One text per row, all of one length, of token
// type 0.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

namespace {

/// What the checkpoint has behind the encoder: the pooler, then a classifier over it, or the prediction of masked
/// words.
void buildHeads(NetworkBuilder& network, ValueId hidden, const std::string& act) {
    const ModelConfig& config = network.config;
    const std::int64_t width = config.width;
    if (network.has("bert.pooler.dense.weight")) {
        const ValueId first =
            network.graph.add("Gather", "bert.pooler.first", {hidden, network.index("bert.pooler.place", 0)},
                              {{"axis", std::int64_t{1}}});
        const ValueId dense = network.linear("bert.pooler.dense", first, width, width);
        const ValueId pooled = network.graph.add("Tanh", "bert.pooler", {dense});
        network.output(pooled, "pooled");
        if (const std::int64_t classes = network.rows("classifier.weight"); classes > 0)
            network.output(network.linear("classifier", pooled, classes, width), "logits");
    }
    const std::string words = "cls.predictions";
    if (!network.has(words + ".transform.dense.weight")) return;
    ValueId x = network.linear(words + ".transform.dense", hidden, width, width);
    x = network.activation(words + ".transform.transform_act_fn", x, act);
    x = network.layerNorm(words + ".transform.LayerNorm", x, width);
    const bool own = network.has(words + ".decoder.weight");
    const std::string matrix = own ? words + ".decoder" : "bert.embeddings.word_embeddings";
    std::vector<ValueId> inputs{x, network.weight(matrix + ".weight", {config.vocabulary, width})};
    for (const std::string& bias : {words + ".bias", words + ".decoder.bias"})
        if (inputs.size() == 2 && network.has(bias)) inputs.push_back(network.weight(bias, {config.vocabulary}));
    network.output(network.graph.add("Linear", words + ".decoder", std::move(inputs)), "logits");
}

} // namespace

void buildBert(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.needHeads();
    network.need(config.context, "number of positions");
    network.need(config.hidden, "width of the feed-forward part");
    const std::string act = config.activation.empty() ? "gelu" : config.activation, root = "bert.embeddings";
    const std::int64_t width = config.width, types = config.tokenTypes > 0 ? config.tokenTypes : 2;

    ValueId stream = network.embedding(root + ".word_embeddings", tokens, config.vocabulary, width);
    const ValueId places = network.embedding(root + ".position_embeddings", network.positions(), config.context, width);
    stream = network.binary("Add", root + ".with_positions", stream, places);
    const ValueId type =
        network.embedding(root + ".token_type_embeddings", network.index(root + ".token_type", 0), types, width);
    stream = network.binary("Add", root + ".with_types", stream, type);
    stream = network.layerNorm(root + ".LayerNorm", stream, width);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("bert.encoder.layer.{}", layer), self = block + ".attention.self";
        const ValueId q = network.linear(self + ".query", stream, width, width);
        const ValueId k = network.linear(self + ".key", stream, width, width);
        const ValueId v = network.linear(self + ".value", stream, width, width);
        const AttentionForm form{.heads = config.heads, .kvHeads = config.heads, .causal = false};
        const ValueId mixed = network.attention(self, q, k, v, form);
        const ValueId attended = network.linear(block + ".attention.output.dense", mixed, width, width);
        network.graph.rename(attended, block + ".attention.output");
        ValueId middle = network.binary("Add", block + ".attention.sum", stream, attended);
        middle = network.layerNorm(block + ".attention.output.LayerNorm", middle, width);
        const ValueId wide = network.linear(block + ".intermediate.dense", middle, config.hidden, width);
        const ValueId open = network.activation(block + ".intermediate", wide, act);
        const ValueId fed = network.linear(block + ".output.dense", open, width, config.hidden);
        network.graph.rename(fed, block + ".mlp.output");
        const ValueId sum = network.binary("Add", block + ".sum", middle, fed);
        stream = network.layerNorm(block + ".output.LayerNorm", sum, width);
        network.graph.rename(stream, block + ".output");
    }
    network.graph.setBlock(std::nullopt);
    const ValueId hidden = network.graph.add("Identity", "bert.encoder", {stream});
    network.output(hidden, "hidden");
    buildHeads(network, hidden, act);
}

} // namespace qscope::engine::nn
