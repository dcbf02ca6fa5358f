// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_layer.h"
#include "plugins/view_comparison/figures.h"

#include <optional>
#include <set>
#include <vector>

namespace qscope {

/// What the table of results is made from.
struct ComparisonTable {
    const engine::CompareReport& report;
    const engine::Checkpoint* checkpoint = nullptr; ///< for the row of full precision; null: no such row
    ComparisonScope scope = {};
    std::set<QString> pinned = {}; ///< labels
    QString baseline = {};         ///< label; then cells tell differences to it. Empty: none
};

/// Method, whether it is pinned, the figures that are known, the device.
[[nodiscard]] std::vector<NumberColumn> comparisonColumns(const ComparisonTable& table);
/// Full precision first (id -1), then the results (id is their index). Best values are marked from two results on.
[[nodiscard]] std::vector<NumberRow> comparisonRows(const ComparisonTable& table);

/// Treated tensors in the order in which a network applies them: embedding, blocks, the rest.
struct Depth {
    std::vector<std::int64_t> tensors; ///< place on the x axis to index in the checkpoint
    std::vector<Range> bands;          ///< every second block
    std::vector<Tick> ticks;           ///< a minor one per tensor, the block's number in its middle
};
[[nodiscard]] Depth depthOf(const engine::CompareReport& report);
/// Relative MSE of these methods across the depth, a layer for each.
[[nodiscard]] std::vector<PlotLayer> depthLayers(const engine::CompareReport& report, const Depth& depth,
                                                 const std::vector<int>& methods);

/// All results while their lines can be told apart; of more, those that are pinned or selected, or the first few.
[[nodiscard]] std::vector<int> distinctResults(const engine::CompareReport& report, const std::set<QString>& pinned,
                                               int selected);
inline constexpr std::size_t kMostLines = 12;

} // namespace qscope
