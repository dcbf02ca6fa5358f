// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/slabs.h"

#include <algorithm>

namespace qscope::engine::vulkan {
namespace {

/// Pieces of one axis: whole groups as far as they fit, else pieces of each group.
template<class Visit>
void cutAxis(std::int64_t length, std::int64_t group, std::int64_t limit, Visit&& visit) {
    const std::int64_t step = group <= limit ? limit - limit % group : limit;
    for (std::int64_t begin = 0; begin < length;) {
        std::int64_t end = std::min(length, begin + step);
        if (group > limit) end = std::min(end, (begin / group + 1) * group);
        visit(begin, end - begin);
        begin = end;
    }
}

} // namespace

std::vector<Slab> cutSlabs(const Grouping& grouping, std::int64_t limit) {
    std::vector<Slab> slabs;
    if (grouping.columns <= limit) {
        cutAxis(grouping.rows, grouping.groupRows, limit / grouping.columns, [&](std::int64_t row, std::int64_t rows) {
            slabs.push_back({row, 0, rows, grouping.columns});
        });
        return slabs;
    }
    for (std::int64_t row = 0; row < grouping.rows; ++row)
        cutAxis(grouping.columns, grouping.groupColumns, limit, [&](std::int64_t column, std::int64_t columns) {
            slabs.push_back({row, column, 1, columns});
        });
    return slabs;
}

gpu::GroupShape shapeOf(const Slab& slab, const Grouping& grouping) {
    return {static_cast<std::uint32_t>(slab.rows), static_cast<std::uint32_t>(slab.columns),
            static_cast<std::uint32_t>(std::min(grouping.groupRows, slab.rows)),
            static_cast<std::uint32_t>(std::min(grouping.groupColumns, slab.columns))};
}

std::int64_t groupOf(const Slab& slab, const Grouping& grouping, const gpu::GroupShape& shape, std::uint32_t index) {
    return (slab.firstRow / grouping.groupRows + index / shape.groupsAcross()) * grouping.groupsAcross() +
           slab.firstColumn / grouping.groupColumns + index % shape.groupsAcross();
}

} // namespace qscope::engine::vulkan
