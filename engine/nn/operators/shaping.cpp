// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/shapes.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

Value shapeValue(std::span<const std::int64_t> sizes) {
    return makeValue<std::int64_t>({std::ssize(sizes)}, {sizes.begin(), sizes.end()});
}

Outputs shape(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape& sizes = inputs[0]->shape();
    const std::int64_t rank = std::ssize(sizes);
    const auto clamped = [&](std::int64_t axis) {
        return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    const std::int64_t start = clamped(attributeOr<std::int64_t>(node, "start", 0));
    const std::int64_t end = clamped(attributeOr<std::int64_t>(node, "end", rank));
    const std::int64_t count = std::max<std::int64_t>(end - start, 0);
    return std::vector{
        shapeValue(std::span(sizes).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(count)))};
}

Outputs size(const Node&, OperatorInputs inputs, OperatorContext&) {
    return std::vector{makeValue<std::int64_t>({}, {elementCount(inputs[0]->shape())})};
}

/// 0 keeps the size (unless `allowzero`), one -1 is worked out.
Result<Shape> reshapedShape(const Shape& from, Shape to, bool zeroIsSize) {
    std::optional<std::size_t> open;
    for (std::size_t axis = 0; axis < to.size(); ++axis) {
        if (to[axis] == 0 && !zeroIsSize) {
            if (axis >= from.size()) return fail(ErrorCode::OutOfRange, "there is no axis {} to keep", axis);
            to[axis] = from[axis];
        } else if (to[axis] == -1) {
            if (open) return fail(ErrorCode::OutOfRange, "more than one size is left open");
            open = axis;
        }
    }
    const std::int64_t count = elementCount(from);
    if (open) {
        to[*open] = 1;
        QSCOPE_TRY(const std::size_t others, roomFor(to, 1));
        const auto known = static_cast<std::int64_t>(others);
        if (known == 0 || count % known != 0)
            return fail(ErrorCode::OutOfRange, "{} elements cannot be arranged as {}", count, describe(to));
        to[*open] = count / known;
    }
    QSCOPE_TRY(const std::size_t wanted, roomFor(to, 1));
    if (static_cast<std::int64_t>(wanted) != count)
        return fail(ErrorCode::OutOfRange, "{} elements cannot be arranged as {}", count, describe(to));
    return to;
}

Outputs reshape(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const auto wanted, integers(*inputs[1]));
    QSCOPE_TRY(Shape to,
               reshapedShape(inputs[0]->shape(), wanted, attributeOr<std::int64_t>(node, "allowzero", 0) != 0));
    return std::vector{reshaped(*inputs[0], std::move(to))};
}

Outputs flatten(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape& from = inputs[0]->shape();
    const auto rank = std::ssize(from);
    std::int64_t axis = attributeOr<std::int64_t>(node, "axis", 1);
    if (axis < -rank || axis > rank)
        return fail(ErrorCode::OutOfRange, "axis {} of {} axes does not exist", axis, rank);
    if (axis < 0) axis += rank;
    Shape to{1, 1};
    for (std::int64_t i = 0; i < rank; ++i) to[i < axis ? 0 : 1] *= from[static_cast<std::size_t>(i)];
    return std::vector{reshaped(*inputs[0], std::move(to))};
}

Outputs squeeze(const Node&, OperatorInputs inputs, OperatorContext&) {
    const Shape& from = inputs[0]->shape();
    std::vector<bool> dropped(from.size());
    if (const Value* given = inputOf(inputs, 1)) {
        QSCOPE_TRY(const auto listed, integers(*given));
        QSCOPE_TRY(const auto axes, axesOf(listed, from.size()));
        for (const std::size_t axis : axes) {
            if (from[axis] != 1)
                return fail(ErrorCode::OutOfRange, "axis {} of {} is not 1 long", axis, describe(from));
            dropped[axis] = true;
        }
    } else {
        for (std::size_t axis = 0; axis < from.size(); ++axis) dropped[axis] = from[axis] == 1;
    }
    Shape to;
    for (std::size_t axis = 0; axis < from.size(); ++axis)
        if (!dropped[axis]) to.push_back(from[axis]);
    return std::vector{reshaped(*inputs[0], std::move(to))};
}

Outputs unsqueeze(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const auto listed, integers(*inputs[1]));
    Shape to = inputs[0]->shape();
    QSCOPE_TRY(const auto axes, axesOf(listed, to.size() + listed.size()));
    for (const std::size_t axis : axes) to.insert(to.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    return std::vector{reshaped(*inputs[0], std::move(to))};
}

constexpr std::array kShaping{
    Operator{"Shape", 1, 1, 1, shape},     Operator{"Size", 1, 1, 1, size},
    Operator{"Reshape", 2, 2, 1, reshape}, Operator{"Flatten", 1, 1, 1, flatten},
    Operator{"Squeeze", 1, 2, 1, squeeze}, Operator{"Unsqueeze", 2, 2, 1, unsqueeze},
};

} // namespace

std::span<const Operator> shapingOperators() { return kShaping; }

} // namespace qscope::engine::nn
