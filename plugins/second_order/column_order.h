// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// The order in which columns are rounded, and which of them share a step.
struct ColumnOrder {
    enum class Rule : std::uint8_t {
        Natural,    ///< as they lie
        Descending, ///< by falling diagonal of XᵀX: what hurts most while there are many columns left to make up for it
        GroupAware ///< the same, but only within groups, and groups among themselves by their largest entry
    };
    std::vector<std::int32_t> column; ///< at each place of the order
    std::vector<std::int32_t> group;  ///< of each place; a group's number is where its scale is kept
    std::int64_t groupSize = 0;
    bool runs = true;       ///< whether each group is a run of places
    bool scattered = false; ///< whether groups are something else than runs of columns as they lie (act-order)
};

/// `diagonal`: one entry per column. Groups are runs of `groupSize` columns as they lie, or, for Descending without
/// `staticGroups`, runs of places. Of equal entries the first column comes first.
[[nodiscard]] ColumnOrder columnOrder(ColumnOrder::Rule rule, std::span<const double> diagonal, std::int64_t groupSize,
                                      bool staticGroups);

/// Places where blocks of about `block` places begin, and the end. With `aligned`, groups are runs of places, and one
/// that begins inside a block also ends there, so that all of its columns carry the same corrections when its turn
/// comes.
[[nodiscard]] std::vector<std::int64_t> blockBorders(const ColumnOrder& order, std::int64_t block, bool aligned);

} // namespace qscope::engine
