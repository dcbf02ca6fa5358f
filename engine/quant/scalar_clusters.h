// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// The at most `count` centres, ascending, for which the sum over values of weight (value - nearest centre)² is the
/// least: the exact solution of k-means on a line, by dynamic programming over the sorted values in O(count n log n)
/// (Grønlund et al., "Fast exact k-means, k-medians and Bregman divergence clustering in 1D", 2017, section 2.2).
/// Weights are one per value, finite and not negative; empty: all equal. Values of weight 0 have no say; fewer distinct
/// values than `count` are the centres themselves. On the calling thread.
[[nodiscard]] Result<std::vector<double>> bestCentres(std::span<const float> values, std::span<const float> weights,
                                                      int count, const RunContext& context);

/// The number of the centre nearest to a value, the lower one of two; `centres` ascending and not empty.
[[nodiscard]] std::size_t nearestCentre(std::span<const float> centres, float value);

} // namespace qscope::engine
