// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"
#include "engine/plan/model_weights.h"

namespace qscope::engine {

/// What a model is loaded for unless more is asked: keeps the rotary tables of huge contexts small.
inline constexpr std::int64_t kUsualContext = 4096;

struct ModelOptions {
    std::int64_t context = 0; ///< tokens of the longest text; zero: the model's own, at most kUsualContext
    /// Bytes of decoded weights to keep in memory; nothing: a quarter of the machine's.
    std::optional<std::uint64_t> keep = std::nullopt;
};

/// A checkpoint that can be run. Immutable; copies share everything.
struct Model {
    std::shared_ptr<const Checkpoint> checkpoint;
    std::string family; ///< "llama"
    ModelConfig config;
    std::shared_ptr<const nn::Graph> graph;
    std::shared_ptr<const ModelWeights> weights;
    std::int64_t context = 0; ///< tokens that a text may have; zero: any number
};

/// Builds the graph for a checkpoint and checks that every weight is there and of the right shape; reads none of them.
/// Unsupported for a family or setting that is not run, Malformed when description and tensors contradict each other.
[[nodiscard]] Result<Model> loadModel(std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options,
                                      Diagnostics& notes);

/// Whether the graph gives logits over the vocabulary for each token, as language models do.
[[nodiscard]] bool isLanguageModel(const Model& model);

/// Whether `tokens` can follow the first `position` ones of a text: OutOfRange, saying why, when there are none, an id
/// lies outside the vocabulary or the text gets too long.
[[nodiscard]] Result<void> checkTokens(const Model& model, std::span<const int> tokens, std::int64_t position = 0);

/// The inputs of a language model for one text: `tokens` [1, time] and `positions` [time] from `position` on.
[[nodiscard]] std::vector<nn::Value> tokenInputs(std::span<const int> tokens, std::int64_t position = 0);

} // namespace qscope::engine
