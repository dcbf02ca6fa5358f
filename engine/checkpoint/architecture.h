// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

#include <span>
#include <string_view>

namespace qscope::engine {

/// Names of one part of a model in Hugging Face's files and in GGUF; "*" stands for the number of an expert.
struct NamePair {
    std::string_view huggingFace;
    std::string_view gguf;
};

/// A family of models whose files are translated between Hugging Face's form and GGUF's: the table in architecture.cpp
/// has everything in which the two differ.
struct Architecture {
    std::string_view huggingFace; ///< "model_type" of config.json
    std::string_view gguf;        ///< general.architecture
    std::string_view className;   ///< in "architectures" of config.json
    std::string_view activation;  ///< "hidden_act" of config.json
    std::string_view block;       ///< before a block's number: "model.layers."
    std::span<const NamePair> outside;
    std::span<const NamePair> inBlock;
    std::span<const NamePair> special = {}; ///< in the blocks, before `inBlock`
    bool pairsRotary = false;  ///< GGUF has the rotary rows of queries and keys interleaved
    bool shiftsNorms = false;  ///< GGUF has 1 added to the weights of norms
    bool transposes = false;   ///< Hugging Face has the matrices in the blocks as [in, out]
    bool layerNorm = false;    ///< norms with mean and bias, no rotary embedding
    bool window = false;       ///< attention reaches back a stated number of tokens
    bool tiedAlways = false;   ///< the output is the embedding; an output matrix of its own is left out
};

/// The family of a checkpoint by its architecture and naming, or null.
[[nodiscard]] const Architecture* architectureOf(const Checkpoint& checkpoint);
/// By general.architecture; several of Hugging Face's may share one, then the first.
[[nodiscard]] const Architecture* architectureInGguf(std::string_view name);
/// By model_type.
[[nodiscard]] const Architecture* architectureInHuggingFace(std::string_view name);

} // namespace qscope::engine
