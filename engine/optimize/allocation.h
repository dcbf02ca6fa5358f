// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <cstdint>
#include <vector>

namespace qscope::engine {

/// What one configuration of one matrix would take and cost.
struct Choice {
    std::uint64_t bits = 0;
    double cost = 0; ///< finite, not negative
};

/// For each matrix the number of its choice, so that the costs together are the least that fit into the budget: the
/// integer program with one binary variable per choice, solved by dynamic programming over bits. Exact as long as the
/// budget is at most 2^17 of the greatest common divisor of all sizes; beyond, sizes count in steps of that part of the
/// budget, rounded up, so that the budget still holds. OutOfRange when even the smallest choices do not fit, naming
/// what they need.
[[nodiscard]] Result<std::vector<std::size_t>> allocate(const std::vector<std::vector<Choice>>& matrices,
                                                        std::uint64_t budget, const RunContext& context);

} // namespace qscope::engine
