// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/column_order.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

ColumnOrder columnOrder(ColumnOrder::Rule rule, std::span<const double> diagonal, std::int64_t groupSize,
                        bool staticGroups) {
    const auto columns = static_cast<std::int64_t>(diagonal.size());
    ColumnOrder order;
    order.groupSize = groupSize;
    order.column.resize(diagonal.size());
    std::iota(order.column.begin(), order.column.end(), 0);
    const auto entry = [&](std::int32_t column) { return diagonal[static_cast<std::size_t>(column)]; };
    const auto falling = [&](std::int32_t a, std::int32_t b) { return entry(a) > entry(b); };
    const auto groupOf = [&](std::int64_t index) { return static_cast<std::int32_t>(index / groupSize); };
    if (rule == ColumnOrder::Rule::Descending) std::ranges::stable_sort(order.column, falling);
    if (rule == ColumnOrder::Rule::GroupAware) {
        std::vector<double> largest(static_cast<std::size_t>((columns + groupSize - 1) / groupSize), 0);
        for (const std::int32_t column : order.column) {
            double& most = largest[static_cast<std::size_t>(groupOf(column))];
            most = std::max(most, entry(column));
        }
        std::ranges::stable_sort(order.column, [&](std::int32_t a, std::int32_t b) {
            const std::int32_t left = groupOf(a), right = groupOf(b);
            if (left == right) return falling(a, b);
            const double one = largest[static_cast<std::size_t>(left)],
                         other = largest[static_cast<std::size_t>(right)];
            return one != other ? one > other : left < right;
        });
    }
    const bool several = groupSize < columns;
    const bool byPlace = rule == ColumnOrder::Rule::Descending && !staticGroups;
    order.scattered = byPlace && several;
    order.runs = rule != ColumnOrder::Rule::Descending || byPlace || !several;
    for (std::int64_t place = 0; place < columns; ++place)
        order.group.push_back(groupOf(byPlace ? place : order.column[static_cast<std::size_t>(place)]));
    return order;
}

std::vector<std::int64_t> blockBorders(const ColumnOrder& order, std::int64_t block, bool aligned) {
    const auto columns = static_cast<std::int64_t>(order.group.size());
    const auto groupEnd = [&](std::int64_t begin) {
        std::int64_t end = begin + 1;
        while (end < columns &&
               order.group[static_cast<std::size_t>(end)] == order.group[static_cast<std::size_t>(begin)])
            ++end;
        return end;
    };
    std::vector<std::int64_t> borders{0};
    while (borders.back() < columns) {
        const std::int64_t begin = borders.back();
        std::int64_t end = std::min(columns, begin + block);
        if (aligned) {
            // As many whole groups as fit, or else what fits of the group at hand.
            std::int64_t whole = begin;
            for (std::int64_t next = groupEnd(begin); next <= end; next = groupEnd(next)) {
                whole = next;
                if (next == columns) break;
            }
            if (whole > begin) end = whole;
        }
        borders.push_back(end);
    }
    return borders;
}

} // namespace qscope::engine
