// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_maps.h"
#include "engine/plan/model.h"

namespace qscope::engine {

struct ActivationSettings {
    std::string text;             ///< path
    std::int64_t tokens = 128;    ///< from the start of the text, at most the model's context
    std::vector<int> layers = {}; ///< whose attention and norms are recorded; empty: all
    std::string edges = {}; ///< glob over names of edges ("*.output" of a block: the residual stream); empty: none
};

/// Runs a text through a language model once and keeps what its layers made of it. Progress counts tokens. Errors as
/// those of `evaluate`; OutOfMemory when attention maps and edges would take more than 2 GB.
[[nodiscard]] Result<std::shared_ptr<const ActivationMaps>>
recordActivations(const Model& model, const ActivationSettings& settings, const RunContext& context);

} // namespace qscope::engine
