// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

// What most operators need to say about shapes and axes.

/// Bytes of the largest tensor that an operator makes: above the logits of large models over long texts, below what
/// brings a machine to its knees. A file of a few bytes may ask for any size.
inline constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;

/// Number of elements of a tensor that is about to be made. OutOfRange for a negative size, OutOfMemory above
/// `kMostBytes`.
[[nodiscard]] Result<std::size_t> roomFor(const Shape& shape, std::size_t bytesPerElement);

/// `axisAt` for several, sorted. OutOfRange when one appears twice.
[[nodiscard]] Result<std::vector<std::size_t>> axesOf(std::span<const std::int64_t> axes, std::size_t rank);

/// Elements from one index of each axis to the next, row-major.
[[nodiscard]] Shape stridesOf(const Shape& shape);
/// Strides that read a tensor of shape `from` as if it had shape `to`: 0 along repeated axes. `from` broadcasts to
/// `to`.
[[nodiscard]] Shape broadcastStrides(const Shape& from, const Shape& to);
/// The shape that both broadcast to (ONNX, "Multidirectional Broadcasting"). OutOfRange when there is none.
[[nodiscard]] Result<Shape> broadcastShape(const Shape& a, const Shape& b);

/// A tensor as [outer, size, inner] around one of its axes.
struct AroundAxis {
    std::int64_t outer = 1, size = 1, inner = 1;
};
[[nodiscard]] AroundAxis aroundAxis(const Shape& shape, std::size_t axis);

/// The one number of a tensor with one element, as a whole number. OutOfRange for other shapes and types.
[[nodiscard]] Result<std::int64_t> integerOf(const Value& value);

} // namespace qscope::engine::nn
