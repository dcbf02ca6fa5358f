// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/coverage.h"
#include "plugins/sdk/widgets/heatmap.h"

#include <vector>

namespace qscope {

/// What the columns beside the layers are.
enum class CoverageSplit : std::uint8_t { Modules, Heads, Experts };
enum class CoverageQuantity : std::uint8_t { Silent, Tokens };

/// One field of the picture: a weight, the part of a weight that one head feeds, or what the experts have together.
struct CoverageCell {
    const engine::CoveredWeight* weight = nullptr; ///< null: there is no such weight; of several, the one seen least
    std::int64_t weights = 0;
    std::int64_t unreached = 0;    ///< of them
    std::int64_t tokens = 0;       ///< that reached the one seen least
    std::int64_t channels = 0;     ///< of those reached, together
    std::int64_t silent = 0;       ///< of these channels
    std::int64_t firstChannel = 0; ///< of the weight's inputs, where the cell is a head
};

/// Layers down, what they are split into across; row-major. Points into the weights it was made from.
struct CoverageMap {
    CoverageSplit split = CoverageSplit::Modules;
    std::vector<QString> rows;
    std::vector<QString> columns;
    std::vector<CoverageCell> cells;

    [[nodiscard]] const CoverageCell& at(std::int64_t row, std::int64_t column) const {
        return cells[static_cast<std::size_t>(row) * columns.size() + static_cast<std::size_t>(column)];
    }
};

/// Empty where the model has no such split. `heads`: of the attention, 0 where it is not known.
[[nodiscard]] CoverageMap coverageMap(const std::vector<engine::CoveredWeight>& weights, CoverageSplit split,
                                      std::int64_t heads);

/// Titles, names and range; unreached cells are NaN, cells without a weight negative.
[[nodiscard]] HeatmapInfo describeMap(const CoverageMap& map, CoverageQuantity quantity);
[[nodiscard]] std::vector<float> valuesOf(const CoverageMap& map, CoverageQuantity quantity);
/// Everything about one cell, for people.
[[nodiscard]] QString readoutOf(const CoverageMap& map, std::int64_t row, std::int64_t column);

} // namespace qscope
