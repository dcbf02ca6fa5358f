// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/oracle/product_oracle.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace qscope::test {

using Sizes = std::vector<std::int64_t>;

/// All index tuples of a shape, in row-major order.
inline void forEachIndex(const Sizes& shape, const std::function<void(const Sizes&)>& visit) {
    for (const auto size : shape)
        if (size == 0) return;
    Sizes index(shape.size(), 0);
    for (;;) {
        visit(index);
        std::size_t axis = shape.size();
        while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
        if (axis == 0) return;
    }
}

/// Row-major position of an index, or -1 outside of the shape.
[[nodiscard]] inline std::int64_t positionOf(const Sizes& index, const Sizes& shape) {
    std::int64_t position = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        if (index[axis] < 0 || index[axis] >= shape[axis]) return -1;
        position = position * shape[axis] + index[axis];
    }
    return position;
}

} // namespace qscope::test
