// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <span>
#include <vector>

namespace qscope {

/// Which channels are shown when there are more than can be read.
enum class ChannelChoice : std::uint8_t {
    Largest, ///< of the largest Euclidean norm
    Spread   ///< evenly over the index
};

/// Pearson's correlation between channels: r = Σ (a - ā)(b - b̄) / sqrt(Σ (a - ā)² Σ (b - b̄)²) over their entries.
struct ChannelCorrelation {
    std::vector<std::int64_t> channels; ///< ascending
    std::vector<float> values; ///< [channels, channels], symmetric, 1 on the diagonal; 0 where a channel is constant
    std::int64_t all = 0;      ///< channels that there are
    double rootMeanSquare = 0; ///< off the diagonal
    double byChance = 0;       ///< the same for channels of independent entries: 1 / sqrt(entries - 1)
};

/// Of the rows of a matrix, or of its columns. Values that are not finite: OutOfRange.
[[nodiscard]] Result<ChannelCorrelation> channelCorrelation(std::span<const float> matrix,
                                                            const engine::MatrixShape& shape, bool ofRows,
                                                            ChannelChoice choice, std::int64_t most,
                                                            const RunContext& context);

} // namespace qscope
