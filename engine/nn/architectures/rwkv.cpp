// SPDX-License-Identifier: GPL-3.0-or-later
// RWKV-4 (Peng et al., 2023): attention as a recurrence, each input mixed with the one of the token before.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

namespace {

constexpr std::int64_t kSlots = 3; // of each layer: two shifts and the recurrence

/// before + (x - before) * mix, section 3.1.1.
ValueId mix(NetworkBuilder& network, const std::string& module, const std::string& which, ValueId x, ValueId before) {
    const std::string name = fmt::format("{}.time_mix_{}", module, which);
    const ValueId change = network.binary("Sub", name + ".change", x, before);
    const ValueId part = network.binary("Mul", name + ".part", change, network.weight(name, {network.config.width}));
    return network.binary("Add", name + ".mixed", before, part);
}

ValueId timeMixing(NetworkBuilder& network, const std::string& module, ValueId x, std::int64_t layer) {
    const ModelConfig& config = network.config;
    const std::int64_t width = config.width, inner = config.attentionWidth > 0 ? config.attentionWidth : width;
    const ValueId before = network.graph.add("TokenShift", module + ".shift", {x}, {{"slot", kSlots * layer}});
    const ValueId k = network.linear(module + ".key", mix(network, module, "key", x, before), inner, width);
    const ValueId v = network.linear(module + ".value", mix(network, module, "value", x, before), inner, width);
    const ValueId r =
        network.linear(module + ".receptance", mix(network, module, "receptance", x, before), inner, width);
    const ValueId decay =
        network.graph.add("Exp", module + ".decay", {network.weight(module + ".time_decay", {inner})});
    const ValueId bonus = network.weight(module + ".time_first", {inner});
    const ValueId wkv = network.graph.add("Wkv", module + ".wkv", {k, v, decay, bonus}, {{"slot", kSlots * layer + 1}});
    const ValueId gate = network.graph.add("Sigmoid", module + ".gate", {r});
    const ValueId out =
        network.linear(module + ".output", network.binary("Mul", module + ".gated", gate, wkv), width, inner);
    network.graph.rename(out, module + ".output");
    return out;
}

ValueId channelMixing(NetworkBuilder& network, const std::string& module, ValueId x, std::int64_t layer,
                      std::int64_t hidden) {
    const std::int64_t width = network.config.width;
    const ValueId before = network.graph.add("TokenShift", module + ".shift", {x}, {{"slot", kSlots * layer + 2}});
    const ValueId k = network.linear(module + ".key", mix(network, module, "key", x, before), hidden, width);
    const ValueId r =
        network.linear(module + ".receptance", mix(network, module, "receptance", x, before), width, width);
    const ValueId positive = network.graph.add("Relu", module + ".positive", {k});
    const ValueId v =
        network.linear(module + ".value", network.binary("Mul", module + ".square", positive, positive), width, hidden);
    const ValueId gate = network.graph.add("Sigmoid", module + ".gate", {r});
    return network.binary("Mul", module, gate, v);
}

} // namespace

void buildRwkv(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    // rwkv.cpp's files do not say it.
    const std::int64_t hidden =
        config.hidden > 0 ? config.hidden : network.rows("rwkv.blocks.0.feed_forward.key.weight");
    network.need(hidden, "width of the feed-forward part");
    ValueId stream = network.embedding("rwkv.embeddings", tokens, config.vocabulary, config.width);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("rwkv.blocks.{}", layer);
        if (layer == 0) stream = network.layerNorm(block + ".pre_ln", stream, config.width);
        const ValueId x = network.layerNorm(block + ".ln1", stream, config.width);
        const ValueId attended = timeMixing(network, block + ".attention", x, layer);
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.layerNorm(block + ".ln2", middle, config.width);
        stream =
            network.binary("Add", block, middle, channelMixing(network, block + ".feed_forward", y, layer, hidden));
    }
    network.graph.setBlock(std::nullopt);
    network.logits("head", "rwkv.embeddings", network.layerNorm("rwkv.ln_out", stream, config.width), config.width);
}

} // namespace qscope::engine::nn
