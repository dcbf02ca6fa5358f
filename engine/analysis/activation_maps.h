// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qscope::engine {

/// What flowed along one edge of the network: [rows, channels], a row per token (per token and head inside attention).
struct ActivationMap {
    std::string name; ///< of the edge: "model.layers.3.output"
    std::int64_t rows = 0;
    std::int64_t channels = 0;
    std::vector<float> values;
};

/// How much each token attended to each: probabilities [heads, queries, keys].
struct AttentionMap {
    std::string module; ///< "model.layers.3.self_attn.attention"
    int layer = 0;
    std::int64_t heads = 0;
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    std::vector<float> probabilities;
};

/// What a norm multiplies by: one factor per channel (its weight) and one per row (one over the root mean square, or
/// over the standard deviation).
struct NormScales {
    std::string module; ///< "model.layers.3.input_layernorm"
    int layer = 0;
    std::vector<float> channels;
    std::vector<float> rows;
};

/// What a text made of the chosen layers of a model. Immutable once built.
struct ActivationMaps {
    std::vector<std::int32_t> tokens;
    std::vector<std::string> pieces; ///< the bytes each token stands for
    std::vector<ActivationMap> edges;
    std::vector<AttentionMap> attention;
    std::vector<NormScales> norms;
};

} // namespace qscope::engine
