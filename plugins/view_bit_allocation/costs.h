// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/compare_report.h"
#include "engine/report/propagation_report.h"
#include "plugins/view_bit_allocation/plan_bits.h"

#include <map>
#include <unordered_map>

namespace qscope {

/// What a method makes of one tensor.
struct Cost {
    std::uint64_t bits = 0; ///< that storing it takes, scales and all
    double error = -1;      ///< sum (w - ŵ)²; negative: not measured
    double reference = 0;   ///< sum w²
};

/// Costs by method, as on the command line, and by tensor. A tensor that a method does not take is missing.
using CostTable = std::map<std::string, std::unordered_map<std::size_t, Cost>>;

/// The plan's inputs with one method each: the method at all its widths, and what rules put in its place on their
/// tensors.
[[nodiscard]] std::vector<engine::Plan> costPlans(const engine::Plan& plan, const AdjustableMethod& method,
                                                  const engine::Checkpoint& checkpoint);

/// Sizes alone, which follow from the methods' outlines. A plan that cannot be run (a width that an option refuses) is
/// left out, but not that of `needed`. Errors as those of `engine::outlineResult`.
[[nodiscard]] Result<CostTable> sizes(const std::vector<engine::Plan>& plans, const engine::MethodSpec& needed,
                                      const engine::Checkpoint& checkpoint, const engine::Registries& registries);

/// Sizes and errors, by running each plan; no codes are kept. Left out as above. Progress counts plans.
[[nodiscard]] Result<CostTable> measure(const std::vector<engine::Plan>& plans, const engine::MethodSpec& needed,
                                        const engine::Checkpoint& checkpoint, const engine::Registries& registries,
                                        const RunContext& context);

/// What a unit of squared error costs at the model's end, layer by layer, measured by quantizing one layer at a time.
struct Sensitivity {
    std::string label;                  ///< of the result it was measured with
    std::size_t tokens = 0;             ///< of the text
    std::map<int, double> natsPerError; ///< KL divergence of the layer alone / its sum (w - ŵ)²; -1: outside the blocks
};

/// From the attribution of `preferred`, else of the first result that has one; nothing when none has.
[[nodiscard]] std::optional<Sensitivity> sensitivityOf(const engine::PropagationReport* propagation,
                                                       const engine::CompareReport* report,
                                                       const std::string& preferred);

} // namespace qscope
