// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/round_to_grid.h"
#include "gpu/kernels/group_extrema.h"

#include <cstdint>
#include <vector>

namespace qscope::engine::vulkan {

/// Part of a row-major matrix that lies in one piece: whole rows, or some columns of one row. It holds whole rows (and
/// columns) of groups, or parts of a single one, so that its groups form a matrix of their own.
struct Slab {
    std::int64_t firstRow = 0;
    std::int64_t firstColumn = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;

    [[nodiscard]] std::int64_t elements() const { return rows * columns; }
};

/// Covers the matrix in order, at most `limit` elements each (above 0, below 2^31). Groups are at most as large as the
/// matrix.
[[nodiscard]] std::vector<Slab> cutSlabs(const Grouping& grouping, std::int64_t limit);

/// The slab with its groups as the kernels see it.
[[nodiscard]] gpu::GroupShape shapeOf(const Slab& slab, const Grouping& grouping);

/// In the whole matrix, the number of group `index` of the slab.
[[nodiscard]] std::int64_t groupOf(const Slab& slab, const Grouping& grouping, const gpu::GroupShape& shape,
                                   std::uint32_t index);

} // namespace qscope::engine::vulkan
