// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/model.h"
#include "engine/report/compare_report.h"
#include "engine/report/propagation_report.h"

#include <span>

namespace qscope::engine {

struct PropagationSettings {
    std::string text; ///< path
    std::int64_t tokens =
        256;                  ///< from the start of the text; more than the model's context go through in whole windows
    bool attribution = false; ///< three runs more for each layer
};

/// Runs the model in full precision and under each method side by side, block after block, and compares what flows.
/// What the context's device does runs there; what is compared comes back. Progress counts tokens times runs. Errors as
/// those of `evaluate`.
[[nodiscard]] Result<std::shared_ptr<const PropagationReport>> propagate(const Model& model,
                                                                         const PropagationSettings& settings,
                                                                         std::span<const MethodResult* const> methods,
                                                                         const RunContext& context);

} // namespace qscope::engine
