// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/outliers/kept_columns.h"

#include <algorithm>

namespace qscope::engine {

std::uint64_t KeptColumns::storedBits(const Shape& shape) const {
    return qscope::engine::storedBits(*base) +
           columns.size() * (16 * static_cast<std::uint64_t>(asMatrix(shape).rows) + 32);
}

std::string KeptColumns::describe() const {
    return fmt::format("{}, {} columns in 16 bits", qscope::engine::describe(*base), columns.size());
}

Result<void> KeptColumns::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    QSCOPE_CHECK(qscope::engine::dequantize(*base, first, out));
    const std::int64_t width = asMatrix(shape).columns, end = first + static_cast<std::int64_t>(out.size());
    for (std::size_t k = 0; k < columns.size(); ++k) {
        const std::int64_t column = columns[k];
        // The first row whose element of this column is not before the range.
        for (std::int64_t row = (first - column + width - 1) / width; row * width + column < end; ++row)
            out[static_cast<std::size_t>(row * width + column - first)] =
                values[static_cast<std::size_t>(row) * columns.size() + k];
    }
    return {};
}

std::vector<float> KeptColumns::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    if (std::ranges::binary_search(columns, column)) return {};
    return gridLevels(*base, row, column);
}

} // namespace qscope::engine
