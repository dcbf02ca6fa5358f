// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/plan/plan.h"

#include <optional>

namespace qscope::engine {

/// One weight of a linear layer, and what a calibration text sent into it.
struct CoveredWeight {
    std::string name;              ///< common: "model.layers.3.mlp.experts.5.up_proj.weight"
    std::string module;            ///< without layer and number of the expert: "mlp.experts.*.up_proj"
    std::optional<int> layer = {}; ///< nothing outside the blocks
    std::optional<int> expert = {};
    std::optional<std::size_t> tensor = {};      ///< of the checkpoint; nothing for a weight under another name there
    std::shared_ptr<const InputStatistics> seen; ///< null: no token reached it
};

/// Every weight that the text reached, and those of the same modules in other layers and experts that it did not. In
/// the order of the checkpoint, then by name.
[[nodiscard]] std::vector<CoveredWeight> coverage(const Checkpoint& checkpoint, const Calibration& calibration);

/// What a calibration leaves open about the weights that a plan treats.
struct CoverageGaps {
    std::size_t unreached = 0;       ///< weights that no token reached
    std::size_t deficient = 0;       ///< weights with more channels than tokens: XᵀX is not of full rank
    std::int64_t mostChannels = 0;   ///< of those
    std::int64_t fewestTokens = 0;   ///< of those
    std::size_t silentWeights = 0;   ///< weights with channels in which nothing but zeros arrived
    std::int64_t silentChannels = 0; ///< of those, together

    friend bool operator==(const CoverageGaps&, const CoverageGaps&) = default;
};
[[nodiscard]] CoverageGaps coverageGaps(const Plan& plan, const Checkpoint& checkpoint, const Calibration& calibration);

} // namespace qscope::engine
