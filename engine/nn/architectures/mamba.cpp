// SPDX-License-Identifier: GPL-3.0-or-later
// Mamba (Gu and Dao, 2023): blocks of a gated recurrence whose step, input and output depend on the token.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

void buildMamba(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    const ValueId tokens = network.textInputs();
    network.need(config.hidden, "number of channels");
    network.need(config.stateSize, "size of the state");
    network.need(config.convWidth, "width of the convolution");
    network.need(config.timeStepRank, "rank of the time step");
    const std::string act = config.activation.empty() ? "silu" : config.activation;
    const std::int64_t channels = config.hidden, states = config.stateSize, rank = config.timeStepRank;

    ValueId stream = network.embedding("backbone.embeddings", tokens, config.vocabulary, config.width);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("backbone.layers.{}", layer), mixer = block + ".mixer";
        const ValueId y = network.rmsNorm(block + ".norm", stream, config.width);
        const auto halves =
            network.split(mixer + ".halves", network.linear(mixer + ".in_proj", y, 2 * channels, config.width),
                          {channels, channels}); // what goes through the recurrence, and its gate
        std::vector<ValueId> inputs{halves[0], network.weight(mixer + ".conv1d.weight", {channels, config.convWidth})};
        if (network.has(mixer + ".conv1d.bias")) inputs.push_back(network.weight(mixer + ".conv1d.bias", {channels}));
        const ValueId convolved =
            network.graph.add("CausalConv", mixer + ".conv1d", std::move(inputs), {{"slot", 2 * layer}});
        const ValueId x = network.activation(mixer + ".act", convolved, act);
        const auto parts =
            network.split(mixer + ".parts", network.linear(mixer + ".x_proj", x, rank + 2 * states, channels),
                          {rank, states, states});
        const ValueId step = network.linear(mixer + ".dt_proj", parts[0], channels, rank);
        const ValueId delta = network.graph.add("Softplus", mixer + ".delta", {step});
        const ValueId speed =
            network.graph.add("Exp", mixer + ".A.exp", {network.weight(mixer + ".A_log", {channels, states})});
        const ValueId a = network.graph.add("Neg", mixer + ".A", {speed});
        const ValueId scanned = network.graph.add(
            "SelectiveScan", mixer + ".scan",
            {x, delta, a, parts[1], parts[2], network.weight(mixer + ".D", {channels})}, {{"slot", 2 * layer + 1}});
        const ValueId gate = network.activation(mixer + ".gate", halves[1], act);
        const ValueId gated = network.binary("Mul", mixer + ".gated", scanned, gate);
        const ValueId mixed = network.linear(mixer + ".out_proj", gated, config.width, channels);
        network.graph.rename(mixed, mixer + ".output");
        stream = network.binary("Add", block, stream, mixed);
    }
    network.graph.setBlock(std::nullopt);
    network.logits("lm_head", "backbone.embeddings", network.rmsNorm("backbone.norm_f", stream, config.width),
                   config.width);
}

} // namespace qscope::engine::nn
