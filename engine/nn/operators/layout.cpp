// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace qscope::engine::nn {

namespace {

Result<Value> transposed(const Value& value, std::span<const std::int64_t> order) {
    const Shape own = stridesOf(value.shape());
    Shape shape, strides;
    for (const std::int64_t axis : order) {
        shape.push_back(value.shape()[static_cast<std::size_t>(axis)]);
        strides.push_back(own[static_cast<std::size_t>(axis)]);
    }
    return strided(value, std::move(shape), strides);
}

Outputs transpose(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const std::size_t rank = inputs[0]->shape().size();
    Shape order(rank);
    std::iota(order.rbegin(), order.rend(), 0);
    order = attributeOr(node, "perm", order);
    if (order.size() != rank) return fail(ErrorCode::OutOfRange, "perm names {} of {} axes", order.size(), rank);
    QSCOPE_TRY(const auto axes, axesOf(order, rank)); // refuses what is no permutation
    for (std::int64_t& axis : order) axis += axis < 0 ? std::ssize(axes) : 0;
    return one(transposed(*inputs[0], order));
}

Outputs concat(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& first = *inputs[0];
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), first.shape().size()));
    Shape shape = first.shape();
    shape[axis] = 0;
    for (const Value* part : inputs) {
        QSCOPE_CHECK(requireSameType(first, *part));
        Shape expected = shape;
        if (part->shape().size() == shape.size()) expected[axis] = part->shape()[axis];
        if (part->shape() != expected)
            return fail(ErrorCode::OutOfRange, "{} and {} cannot be joined along axis {}", describe(first.shape()),
                        describe(part->shape()), axis);
        shape[axis] += part->shape()[axis];
    }
    return one(moved(first, shape, [&]<class T>(std::span<const T>, std::span<T> out) -> Result<void> {
        if (out.empty()) return {};
        const AroundAxis whole = aroundAxis(shape, axis);
        auto to = out.begin();
        for (std::int64_t outer = 0; outer < whole.outer; ++outer)
            for (const Value* part : inputs) {
                const std::int64_t run = part->shape()[axis] * whole.inner;
                if (run > 0) to = std::copy_n(stored<T>(*part).begin() + outer * run, run, to);
            }
        return {};
    }));
}

/// The indices [start, start + size) of one axis.
Result<Value> range(const Value& value, std::size_t axis, std::int64_t start, std::int64_t size) {
    Shape shape = value.shape();
    const Shape strides = stridesOf(shape);
    shape[axis] = size;
    return strided(value, std::move(shape), strides, start * strides[axis]);
}

Outputs split(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), value.shape().size()));
    const std::int64_t size = value.shape()[axis];
    std::vector<std::int64_t> sizes;
    if (const Value* given = inputOf(inputs, 1)) {
        QSCOPE_TRY(sizes, integers(*given));
    } else {
        const std::int64_t parts = std::max<std::int64_t>(std::ssize(node.outputs), 1);
        const std::int64_t each = ceilDiv(size, parts); // the last part is the smaller one
        for (std::int64_t part = 0; part < parts; ++part)
            sizes.push_back(std::clamp<std::int64_t>(size - part * each, 0, each));
    }
    std::int64_t left = size;
    for (const std::int64_t part : sizes) {
        if (part < 0 || part > left)
            return fail(ErrorCode::OutOfRange, "the parts of axis {} are not {} long", axis, size);
        left -= part;
    }
    if (left != 0 || sizes.size() != node.outputs.size())
        return fail(ErrorCode::OutOfRange, "{} parts that lack {} of {} cannot make {} outputs", sizes.size(), left,
                    size, node.outputs.size());
    std::vector<Value> parts;
    std::int64_t start = 0;
    for (const std::int64_t part : sizes) {
        QSCOPE_TRY(parts.emplace_back(), range(value, axis, start, part));
        start += part;
    }
    return parts;
}

Outputs slice(const Node&, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    QSCOPE_TRY(const auto starts, integers(*inputs[1]));
    QSCOPE_TRY(const auto ends, integers(*inputs[2]));
    std::vector<std::int64_t> axes(starts.size()), steps(starts.size(), 1);
    std::iota(axes.begin(), axes.end(), 0);
    if (const Value* given = inputOf(inputs, 3)) {
        QSCOPE_TRY(axes, integers(*given));
    }
    if (const Value* given = inputOf(inputs, 4)) {
        QSCOPE_TRY(steps, integers(*given));
    }
    if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
        return fail(ErrorCode::OutOfRange, "starts, ends, axes and steps are not equally many");
    QSCOPE_TRY(const auto distinct, axesOf(axes, value.shape().size()));
    Shape shape = value.shape(), strides = stridesOf(shape);
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < distinct.size(); ++i) {
        const auto axis = static_cast<std::size_t>(axes[i] < 0 ? axes[i] + std::ssize(shape) : axes[i]);
        // Steps past either end are all the same; this keeps the arithmetic from overflowing.
        const std::int64_t size = shape[axis], step = std::clamp(steps[i], -std::max<std::int64_t>(size, 1),
                                                                 std::max<std::int64_t>(size, 1));
        if (step == 0) return fail(ErrorCode::OutOfRange, "a step is 0");
        const auto place = [&](std::int64_t at) {
            if (at < 0) at = at < -size ? -1 : at + size;
            return step > 0 ? std::clamp<std::int64_t>(at, 0, size) : std::clamp<std::int64_t>(at, -1, size - 1);
        };
        const std::int64_t start =
            step > 0 ? place(starts[i]) : std::max<std::int64_t>(place(starts[i]), size == 0 ? -1 : 0);
        const std::int64_t length = step > 0 ? place(ends[i]) - start : start - place(ends[i]);
        shape[axis] = length <= 0 ? 0 : ceilDiv(length, std::abs(step));
        offset += std::max<std::int64_t>(start, 0) * strides[axis];
        strides[axis] *= step;
    }
    return one(strided(value, std::move(shape), strides, offset));
}

Outputs expand(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Shape wanted, integers(*inputs[1]));
    QSCOPE_TRY(const Shape shape, broadcastShape(inputs[0]->shape(), wanted));
    return one(strided(*inputs[0], shape, broadcastStrides(inputs[0]->shape(), shape)));
}

Outputs tile(const Node&, OperatorInputs inputs, OperatorContext&) {
    const Shape& from = inputs[0]->shape();
    QSCOPE_TRY(const auto repeats, integers(*inputs[1]));
    if (repeats.size() != from.size())
        return fail(ErrorCode::OutOfRange, "{} repeats for {} axes", repeats.size(), from.size());
    // As [repeats, size] per axis, the repeats standing still.
    Shape unfolded, strides, to;
    const Shape own = stridesOf(from);
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
        unfolded.insert(unfolded.end(), {repeats[axis], from[axis]});
        strides.insert(strides.end(), {0, own[axis]});
    }
    QSCOPE_TRY(Value value, strided(*inputs[0], unfolded, strides));
    for (std::size_t axis = 0; axis < from.size(); ++axis) to.push_back(repeats[axis] * from[axis]);
    return std::vector{reshaped(std::move(value), std::move(to))};
}

/// DepthToSpace and SpaceToDepth of [N, C, H, W], as reshape, transpose, reshape.
Outputs depthAndSpace(const Node& node, const Value& value, bool toSpace) {
    const std::int64_t block = attributeOr<std::int64_t>(node, "blocksize", 0);
    const Shape& s = value.shape();
    if (s.size() != 4 || block < 1 || block > std::numeric_limits<std::int32_t>::max())
        return fail(ErrorCode::OutOfRange, "{} cannot be cut in blocks of {}", describe(s), block);
    if (toSpace ? s[1] % (block * block) != 0 : s[2] % block != 0 || s[3] % block != 0)
        return fail(ErrorCode::OutOfRange, "{} is no whole number of blocks of {}", describe(s), block);
    const bool columnFirst = attributeOr<std::string>(node, "mode", "DCR") == "CRD";
    Shape cut, order, to;
    if (toSpace) {
        const std::int64_t depth = s[1] / (block * block);
        cut = columnFirst ? Shape{s[0], depth, block, block, s[2], s[3]} : Shape{s[0], block, block, depth, s[2], s[3]};
        order = columnFirst ? Shape{0, 1, 4, 2, 5, 3} : Shape{0, 3, 4, 1, 5, 2};
        to = {s[0], depth, s[2] * block, s[3] * block};
    } else {
        cut = {s[0], s[1], s[2] / block, block, s[3] / block, block};
        order = {0, 3, 5, 1, 2, 4};
        to = {s[0], s[1] * block * block, s[2] / block, s[3] / block};
    }
    QSCOPE_TRY(Value moved, transposed(reshaped(value, std::move(cut)), order));
    return std::vector{reshaped(std::move(moved), std::move(to))};
}

Outputs depthToSpace(const Node& node, OperatorInputs inputs, OperatorContext&) {
    return depthAndSpace(node, *inputs[0], true);
}
Outputs spaceToDepth(const Node& node, OperatorInputs inputs, OperatorContext&) {
    return depthAndSpace(node, *inputs[0], false);
}

constexpr std::array kLayout{
    Operator{"Transpose", 1, 1, 1, transpose},
    Operator{"Concat", 1, -1, 1, concat},
    Operator{"Split", 1, 2, -1, split},
    Operator{"Slice", 3, 5, 1, slice},
    Operator{"Expand", 2, 2, 1, expand},
    Operator{"Tile", 2, 2, 1, tile},
    Operator{"DepthToSpace", 1, 1, 1, depthToSpace},
    Operator{"SpaceToDepth", 1, 1, 1, spaceToDepth},
};

} // namespace

std::span<const Operator> layoutOperators() { return kLayout; }

} // namespace qscope::engine::nn
