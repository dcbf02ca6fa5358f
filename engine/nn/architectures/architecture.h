// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/model_sizes.h"
#include "engine/nn/graph/graph.h"

#include <functional>
#include <optional>

namespace qscope::engine::nn {

struct ArchitectureOptions {
    std::int64_t positions = 0; ///< how many positions rotary tables are made for
    /// The shape of the checkpoint's weight of this common name, as the graph would use it, or nothing when there is
    /// none: biases, norms of heads and output matrices are optional.
    std::function<std::optional<Shape>(std::string_view)> find;
};

/// A weight of the graph as it uses it: matrices of linear layers are [out, in].
struct WeightShape {
    std::string name;
    Shape shape;
};

struct Architecture {
    std::shared_ptr<const Graph> graph;
    std::vector<WeightShape> weights; ///< each once, in the order of first use
};

/// The graph of a model of this family ("model_type" of Hugging Face). Unsupported for an unknown family or setting,
/// Malformed when the sizes contradict each other or one is missing.
///
/// Language models: inputs `tokens` I64 [batch, time] and `positions` I64 [time], which count from the beginning of the
/// text; output "logits" [batch, time, vocabulary]. Encoders of text: the same inputs; outputs "hidden"
/// [batch, time, width], then "pooled" [batch, width] and "logits" when the weights for them are there. Of images:
/// input `pixels` [batch, channels, height, width]; outputs likewise.
///
/// Names: an output of a module is "<module>.output"; the residual stream behind block 3 is "model.layers.3.output",
/// what its attention adds "model.layers.3.self_attn.output", what its feed-forward part adds
/// "model.layers.3.mlp.output" (in each family's own words for the modules). Nodes with a session entry have a "slot".
[[nodiscard]] Result<Architecture> buildArchitecture(std::string_view family, const ModelConfig& config,
                                                     const ArchitectureOptions& options);

/// The families that `buildArchitecture` knows.
[[nodiscard]] std::vector<std::string_view> architectureNames();

} // namespace qscope::engine::nn
