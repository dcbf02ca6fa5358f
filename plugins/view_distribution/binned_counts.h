// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"
#include "plugins/sdk/widgets/axis.h"

#include "engine/core/run_context.h"

#include <cstdint>
#include <vector>

namespace qscope {

/// Counts of a tensor and of what a method made of it, over the same bins.
struct BinnedCounts {
    std::vector<double> edges;
    std::vector<double> original;
    std::vector<double> quantized;
};

/// Edges over [low, high] that fall on every level within: each gap between neighbouring levels is divided into equal
/// parts so that there are at least about `bins` in all; beyond the levels the bins go on with the width of the
/// outermost. Fewer than two levels: equal bins.
[[nodiscard]] std::vector<double> edgesOnLevels(const std::vector<float>& levels, const Range& values, int bins);

/// Midpoints between neighbouring levels: where rounding turns.
[[nodiscard]] std::vector<double> thresholdsOf(const std::vector<float>& levels);

/// Counts finite values; those beyond the edges fall into the outermost bins. Streams both tensors, all cores.
[[nodiscard]] Result<BinnedCounts> countBoth(const engine::TensorView& original,
                                             const engine::QuantizedTensor& quantized, std::vector<double> edges,
                                             const RunContext& context);

/// The value below which a standard normal variable lies with probability `p`, 0 < p < 1.
[[nodiscard]] double normalQuantile(double p);

} // namespace qscope
