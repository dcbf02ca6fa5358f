// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/report/compare_report.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <optional>
#include <vector>

namespace qscope {

/// Which numbers are compared: over all treated weights, or on one tensor (index in the checkpoint).
using ComparisonScope = std::optional<std::int64_t>;

/// The table: full precision first (id -1), then the methods (id is their index). Best values are marked from two
/// methods on.
[[nodiscard]] std::vector<NumberColumn> comparisonColumns();
[[nodiscard]] std::vector<NumberRow> comparisonRows(const engine::CompareReport& report,
                                                    const engine::Checkpoint* checkpoint, ComparisonScope scope);

/// Treated tensors in the order in which a network applies them: embedding, blocks, the rest.
struct Depth {
    std::vector<std::int64_t> tensors; ///< place on the x axis to index in the checkpoint
    std::vector<Range> bands;          ///< every second block
    std::vector<Tick> ticks;           ///< a minor one per tensor, the block's number in its middle
};
[[nodiscard]] Depth depthOf(const engine::CompareReport& report);
/// Relative MSE of each method across the depth; the layer's index is the method's.
[[nodiscard]] std::vector<PlotLayer> depthLayers(const engine::CompareReport& report, const Depth& depth);

/// One point per method (layer index + 1 is the method's): bits per weight and SQNR; layer 0 is the front of methods
/// that no other beats in both. An exact result has no finite SQNR and is left out.
[[nodiscard]] std::vector<PlotLayer> paretoLayers(const engine::CompareReport& report, ComparisonScope scope,
                                                  int selectedMethod);

} // namespace qscope
