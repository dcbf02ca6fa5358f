// SPDX-License-Identifier: GPL-3.0-or-later
// ViT (Dosovitskiy et al., 2020): an encoder over the patches of an image, with one token of its own in front.
#include "engine/nn/architectures/network_builder.h"

namespace qscope::engine::nn {

namespace {

/// The patches of `pixels` as tokens [batch, patches, width], with the class token in front and positions added.
ValueId embed(NetworkBuilder& network, ValueId pixels) {
    const ModelConfig& config = network.config;
    const std::int64_t width = config.width, size = config.patchSize;
    const std::int64_t channels = config.channels > 0 ? config.channels : 3;
    if (size > 0 && config.imageSize % size != 0)
        network.complain({ErrorCode::Malformed,
                          fmt::format("images of {} pixels do not divide into patches of {}", config.imageSize, size),
                          {}});
    const std::int64_t patches = size > 0 ? (config.imageSize / size) * (config.imageSize / size) : 0;
    const std::string root = "vit.embeddings", projection = root + ".patch_embeddings.projection";
    std::vector<ValueId> inputs{pixels, network.weight(projection + ".weight", {width, channels, size, size})};
    if (network.has(projection + ".bias")) inputs.push_back(network.weight(projection + ".bias", {width}));
    const std::vector<std::int64_t> square{size, size};
    ValueId x =
        network.graph.add("Conv", projection, std::move(inputs), {{"kernel_shape", square}, {"strides", square}});
    x = network.graph.add("Reshape", root + ".patches",
                          {x, network.list(root + ".patches.shape", {0, width, patches})});
    x = network.graph.add("Transpose", root + ".tokens", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
    const ValueId batch = network.graph.add("Shape", root + ".batch", {x}, {{"end", std::int64_t{1}}});
    const ValueId shape =
        network.graph.add("Concat", root + ".cls_shape", {batch, network.list(root + ".cls_size", {1, width})},
                          {{"axis", std::int64_t{0}}});
    const ValueId front =
        network.graph.add("Expand", root + ".cls", {network.weight(root + ".cls_token", {1, 1, width}), shape});
    x = network.graph.add("Concat", root + ".sequence", {front, x}, {{"axis", std::int64_t{1}}});
    return network.binary("Add", root, x, network.weight(root + ".position_embeddings", {1, patches + 1, width}));
}

} // namespace

void buildVit(NetworkBuilder& network) {
    const ModelConfig& config = network.config;
    network.need(config.width, "width");
    network.need(config.layers, "number of layers");
    network.need(config.hidden, "width of the feed-forward part");
    network.need(config.imageSize, "size of images");
    network.need(config.patchSize, "size of patches");
    network.needHeads();
    const std::string act = config.activation.empty() ? "gelu" : config.activation;
    const std::int64_t width = config.width;

    ValueId stream = embed(network, network.graph.input("pixels"));
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        network.graph.setBlock(static_cast<int>(layer));
        const std::string block = fmt::format("vit.encoder.layer.{}", layer), self = block + ".attention.attention";
        const ValueId x = network.layerNorm(block + ".layernorm_before", stream, width);
        const ValueId q = network.linear(self + ".query", x, width, width);
        const ValueId k = network.linear(self + ".key", x, width, width);
        const ValueId v = network.linear(self + ".value", x, width, width);
        const AttentionForm form{.heads = config.heads, .kvHeads = config.heads, .causal = false};
        const ValueId mixed = network.attention(self, q, k, v, form);
        const ValueId attended = network.linear(block + ".attention.output.dense", mixed, width, width);
        network.graph.rename(attended, block + ".attention.output");
        const ValueId middle = network.binary("Add", block + ".middle", stream, attended);
        const ValueId y = network.layerNorm(block + ".layernorm_after", middle, width);
        const ValueId wide = network.linear(block + ".intermediate.dense", y, config.hidden, width);
        const ValueId fed = network.linear(
            block + ".output.dense", network.activation(block + ".intermediate", wide, act), width, config.hidden);
        network.graph.rename(fed, block + ".mlp.output");
        stream = network.binary("Add", block, middle, fed);
    }
    network.graph.setBlock(std::nullopt);
    const ValueId hidden = network.layerNorm("vit.layernorm", stream, width);
    network.output(hidden, "hidden");
    const bool pools = network.has("vit.pooler.dense.weight");
    const std::int64_t classes = network.rows("classifier.weight");
    if (!pools && classes == 0) return;
    const ValueId first = network.graph.add("Gather", "vit.first", {hidden, network.index("vit.first.place", 0)},
                                            {{"axis", std::int64_t{1}}});
    if (pools) {
        const ValueId dense = network.linear("vit.pooler.dense", first, width, width);
        network.output(network.graph.add("Tanh", "vit.pooler", {dense}), "pooled");
    }
    if (classes > 0) network.output(network.linear("classifier", first, classes, width), "logits");
}

} // namespace qscope::engine::nn
