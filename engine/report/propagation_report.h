// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/metrics.h"
#include "engine/quant/parameters.h"

#include <string>
#include <vector>

namespace qscope::engine {

/// How many of a token's worst channels are kept.
inline constexpr std::size_t kWorstChannels = 4;

/// A channel and its part of the token's squared error.
struct ChannelShare {
    std::int32_t channel = 0;
    float share = 0; ///< 0 to 1
};

/// One place of the network under a method against the same place in full precision, over all tokens and channels.
/// Definitions: `metricTable()`.
struct PropagatedPlace {
    int layer = 0;
    std::string name; ///< "model.layers.3" (the residual stream behind the block) or "model.layers.3.mlp" (a part)
    ErrorMetrics metrics;
    double kurtosis = 0; ///< of the values under the method
    double maxToMean = 0;
    double referenceKurtosis = 0; ///< in full precision
    double referenceMaxToMean = 0;
    std::vector<float> tokenError;   ///< per token: sum (x - x̂)² / sum x² over its channels
    std::vector<ChannelShare> worst; ///< [token][kWorstChannels], the largest first
};

/// The end of the network.
struct PropagatedLogits {
    double relativeMse = 0;
    double cosine = 1;
    double klDivergence = 0; ///< nats per token
    double top1Agreement = 1;
    std::vector<float> tokenDivergence; ///< nats
};

/// What quantizing part of the network does to the logits.
struct PartialEffect {
    double klDivergence = 0;
    double relativeMse = 0;
};

/// How much of the final error a layer makes: the network with this layer alone quantized, with all layers up to it,
/// and with all but it. Tensors outside the blocks count in `without` only, where they are quantized.
struct LayerEffect {
    int layer = 0;
    PartialEffect alone;
    PartialEffect upTo;
    PartialEffect without;
};

struct MethodPropagation {
    MethodSpec spec;
    std::string label;
    std::vector<PropagatedPlace> layers; ///< the residual stream, block after block
    std::vector<PropagatedPlace> parts;  ///< modules directly inside the blocks, in execution order
    PropagatedLogits logits;
    PartialEffect outside;                ///< only what lies outside the blocks quantized; with attribution
    std::vector<LayerEffect> attribution; ///< empty unless asked for
};

/// How the error of each method travels through the depth. Immutable once built.
struct PropagationReport {
    std::string source; ///< path of the checkpoint
    std::string text;   ///< path of the text
    std::vector<std::int32_t> tokens;
    std::vector<std::string> pieces; ///< the bytes each token stands for
    std::vector<MethodPropagation> methods;
};

} // namespace qscope::engine
