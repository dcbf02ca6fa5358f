// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/shapes.h"

#include "engine/core/checked_math.h"

#include <algorithm>

namespace qscope::engine::nn {

Result<std::size_t> roomFor(const Shape& shape, std::size_t bytesPerElement) {
    if (std::ranges::any_of(shape, [](std::int64_t size) { return size < 0; }))
        return fail(ErrorCode::OutOfRange, "{} is no shape", describe(shape));
    // Strides must fit even where a size is 0.
    Shape sizes = shape;
    for (std::int64_t& size : sizes) size = std::max<std::int64_t>(size, 1);
    const auto count = checkedProduct<std::int64_t>(sizes);
    const auto bytes = count ? checkedMul(*count, static_cast<std::int64_t>(bytesPerElement)) : std::nullopt;
    if (!bytes || *bytes > kMostBytes)
        return fail(ErrorCode::OutOfMemory, "a tensor of shape {} is larger than {} bytes", describe(shape),
                    kMostBytes);
    return static_cast<std::size_t>(elementCount(shape));
}

Result<std::vector<std::size_t>> axesOf(std::span<const std::int64_t> axes, std::size_t rank) {
    std::vector<std::size_t> found;
    for (const std::int64_t axis : axes) {
        QSCOPE_TRY(found.emplace_back(), axisAt(axis, rank));
    }
    std::ranges::sort(found);
    if (std::ranges::adjacent_find(found) != found.end()) return fail(ErrorCode::OutOfRange, "an axis appears twice");
    return found;
}

Shape stridesOf(const Shape& shape) {
    Shape strides(shape.size(), 1);
    for (std::size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
    return strides;
}

Shape broadcastStrides(const Shape& from, const Shape& to) {
    const Shape own = stridesOf(from);
    Shape strides(to.size(), 0);
    const std::size_t missing = to.size() - from.size();
    for (std::size_t axis = 0; axis < from.size(); ++axis)
        if (from[axis] != 1) strides[missing + axis] = own[axis];
    return strides;
}

Result<Shape> broadcastShape(const Shape& a, const Shape& b) {
    const Shape& longer = a.size() >= b.size() ? a : b;
    const Shape& shorter = a.size() >= b.size() ? b : a;
    Shape shape = longer;
    const std::size_t missing = longer.size() - shorter.size();
    for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
        std::int64_t& size = shape[missing + axis];
        if (size == 1)
            size = shorter[axis];
        else if (shorter[axis] != 1 && shorter[axis] != size)
            return fail(ErrorCode::OutOfRange, "shapes {} and {} do not fit together", describe(a), describe(b));
    }
    return shape;
}

AroundAxis aroundAxis(const Shape& shape, std::size_t axis) {
    AroundAxis around;
    for (std::size_t i = 0; i < shape.size(); ++i)
        (i < axis ? around.outer : i == axis ? around.size : around.inner) *= shape[i];
    return around;
}

Result<std::int64_t> integerOf(const Value& value) {
    QSCOPE_TRY(const auto numbers, integers(value));
    if (numbers.size() != 1) return fail(ErrorCode::OutOfRange, "expected one number, not {}", numbers.size());
    return numbers.front();
}

} // namespace qscope::engine::nn
