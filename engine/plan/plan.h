// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/analysis/text_quality.h"
#include "engine/core/json.h"
#include "engine/plan/sweep.h"
#include "engine/registry.h"

#include <string>
#include <vector>

namespace qscope::engine {

class CalibrationCache;

/// Another method for some of the tensors: a mix of the user's own.
struct TensorRule {
    std::string tensors; ///< glob over tensor names
    MethodSpec method;   ///< in place of the plan's; the id "keep" leaves such tensors as they are

    friend bool operator==(const TensorRule&, const TensorRule&) = default;
};

/// What to do: which methods on which tensors. The window edits it, the command line runs it, a file holds it.
struct Plan {
    std::string source;                 ///< path of the checkpoint
    std::vector<std::string> selectors; ///< globs over tensor names; empty: every matrix that is a weight of a layer
    std::vector<MethodSpec> methods;
    std::uint64_t seed = 0;
    std::string importance = {};        ///< path of an importance matrix; empty: none
    std::vector<TensorRule> rules = {}; ///< the first that matches a tensor counts, for every method of the plan
    CalibrationSettings calibration = {}; ///< its text is empty: the methods know no inputs
    EvaluationSettings evaluation = {};   ///< its text is empty: quality on a text is not measured
    std::vector<Sweep> sweeps = {};       ///< their combinations run besides the methods

    friend bool operator==(const Plan&, const Plan&) = default;
};

[[nodiscard]] Json toJson(const Plan& plan);
/// Malformed names the field that is missing or has the wrong type.
[[nodiscard]] Result<Plan> planFromJson(const Json& json);

/// The plan's methods, then those of its sweeps that are not among them. Errors as those of `sweptMethods`.
[[nodiscard]] Result<std::vector<MethodSpec>> planMethods(const Plan& plan, const Registries& registries);

/// The whole tensors a plan treats: those matching a selector, or by default the matrices (rank >= 2, floating point or block
/// types, at least 2 columns) that are not norms.
[[nodiscard]] std::vector<std::size_t> selectTensors(const Plan& plan, const Checkpoint& checkpoint);

/// What methods are told about a tensor of the checkpoint.
[[nodiscard]] Subject subjectOf(const Checkpoint& checkpoint, std::size_t tensor);

/// "*.attn_v.*=q6_k" and "blk.0.*=rtn:bits=8,group=64". OutOfRange with a hint for text that has no such form.
[[nodiscard]] Result<TensorRule> parseTensorRule(std::string_view text);

/// What one method of the plan will leave behind, without its values: enough for an exporter to say whether it can hold
/// the result, before any work. Errors as those of `runPlan` that come before work.
[[nodiscard]] Result<MethodResult> outlineResult(const Plan& plan, std::size_t method, const Checkpoint& checkpoint,
                                                 const Registries& registries);

/// Runs all methods on all selected tensors and measures each against the stored weights, then on the text of the plan's
/// evaluation; before that, its calibration text goes through the model. Progress counts tokens, then weights, then tokens.
/// A tensor that a method cannot take is left out with a warning in the notes; OutOfRange when none is left. `cache`
/// keeps calibrations for the next plan. With sweeps, as `runSweeps`.
[[nodiscard]] Result<std::shared_ptr<const CompareReport>> runPlan(const Plan& plan, const Checkpoint& checkpoint,
                                                                   const Registries& registries,
                                                                   const RunContext& context,
                                                                   CalibrationCache* cache = nullptr);

} // namespace qscope::engine
