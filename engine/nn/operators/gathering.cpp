// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

Result<std::span<const std::uint8_t>> truths(const Value& value) {
    if (value.dtype() != DType::Bool)
        return fail(ErrorCode::OutOfRange, "the condition has type {}, not BOOL", info(value.dtype()).name);
    return stored<std::uint8_t>(value);
}

Outputs where(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_CHECK(truths(*inputs[0]));
    QSCOPE_CHECK(requireSameType(*inputs[1], *inputs[2]));
    QSCOPE_TRY(const Shape both, broadcastShape(inputs[1]->shape(), inputs[2]->shape()));
    QSCOPE_TRY(const Shape shape, broadcastShape(inputs[0]->shape(), both));
    std::array<Value, 3> whole;
    for (std::size_t i = 0; i < 3; ++i) {
        whole[i] = *inputs[i];
        if (whole[i].shape() == shape) continue;
        QSCOPE_TRY(whole[i], strided(whole[i], shape, broadcastStrides(whole[i].shape(), shape)));
    }
    const auto chosen = stored<std::uint8_t>(whole[0]);
    return one(moved(whole[1], shape, [&]<class T>(std::span<const T> yes, std::span<T> out) -> Result<void> {
        const auto no = stored<T>(whole[2]);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = chosen[i] ? yes[i] : no[i];
        return {};
    }));
}

Result<void> checkIndices(std::span<std::int64_t> indices, std::int64_t size) {
    for (std::int64_t& index : indices) {
        if (index < -size || index >= size)
            return fail(ErrorCode::OutOfRange, "index {} is outside of an axis of {}", index, size);
        if (index < 0) index += size;
    }
    return {};
}

Outputs gatherElements(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    const Shape& shape = inputs[1]->shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), value.shape().size()));
    if (shape.size() != value.shape().size()) return fail(ErrorCode::OutOfRange, "the indices have another rank");
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (i != axis && shape[i] > value.shape()[i])
            return fail(ErrorCode::OutOfRange, "indices {} reach outside of {}", describe(shape),
                        describe(value.shape()));
    QSCOPE_TRY(auto indices, integers(*inputs[1]));
    QSCOPE_CHECK(checkIndices(indices, value.shape()[axis]));
    Shape strides = stridesOf(value.shape());
    const std::int64_t step = std::exchange(strides[axis], 0);
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        eachIndex(shape, strides, [&](std::size_t i, std::int64_t at) {
            out[i] = source[static_cast<std::size_t>(at + indices[i] * step)];
        });
        return {};
    }));
}

Outputs gatherNd(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    const Shape &from = value.shape(), &asked = inputs[1]->shape();
    const std::int64_t batches = attributeOr<std::int64_t>(node, "batch_dims", 0);
    const std::int64_t depth = asked.empty() ? 0 : asked.back();
    if (asked.empty() || batches < 0 || batches >= std::ssize(asked) || batches + depth > std::ssize(from) ||
        !std::equal(asked.begin(), asked.begin() + batches, from.begin()))
        return fail(ErrorCode::OutOfRange, "indices {} do not fit {}", describe(asked), describe(from));
    QSCOPE_TRY(const auto indices, integers(*inputs[1]));
    Shape shape(asked.begin(), asked.end() - 1);
    shape.insert(shape.end(), from.begin() + batches + depth, from.end());
    const Shape strides = stridesOf(from);
    const Shape outer(asked.begin(), asked.begin() + batches);
    const Shape inner(from.begin() + batches + depth, from.end());
    const std::int64_t run = elementCount(inner), each = elementCount(Shape(from.begin() + batches, from.end()));
    const std::int64_t perBatch = elementCount(Shape(asked.begin() + batches, asked.end() - 1));
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        auto to = out.begin();
        auto index = indices.begin();
        for (std::int64_t tuple = 0; tuple < elementCount(outer) * perBatch; ++tuple) {
            std::int64_t at = tuple / perBatch * each;
            for (std::int64_t axis = batches; axis < batches + depth; ++axis, ++index) {
                std::int64_t place = *index;
                QSCOPE_CHECK(checkIndices({&place, 1}, from[static_cast<std::size_t>(axis)]));
                at += place * strides[static_cast<std::size_t>(axis)];
            }
            if (run > 0) to = std::copy_n(source.begin() + at, run, to);
        }
        return {};
    }));
}

Outputs compress(const Node& node, OperatorInputs inputs, OperatorContext&) {
    Value value = *inputs[0];
    QSCOPE_TRY(const auto chosen, truths(*inputs[1]));
    std::size_t axis = 0;
    if (node.attributes.contains("axis")) {
        QSCOPE_TRY(axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), value.shape().size()));
    } else {
        value = reshaped(value, {elementCount(value.shape())});
    }
    Shape shape = value.shape();
    const AroundAxis around = aroundAxis(shape, axis);
    if (std::ssize(chosen) > around.size) return fail(ErrorCode::OutOfRange, "the condition is longer than the axis");
    shape[axis] = std::ranges::count_if(chosen, [](std::uint8_t yes) { return yes != 0; });
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        auto to = out.begin();
        for (std::int64_t outer = 0; outer < around.outer; ++outer)
            for (std::int64_t i = 0; i < std::ssize(chosen); ++i)
                if (chosen[static_cast<std::size_t>(i)] && around.inner > 0)
                    to = std::copy_n(source.begin() + (outer * around.size + i) * around.inner, around.inner, to);
        return {};
    }));
}

Outputs reverseSequence(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    const Shape& shape = value.shape();
    QSCOPE_TRY(const std::size_t time, axisAt(attributeOr<std::int64_t>(node, "time_axis", 0), shape.size()));
    QSCOPE_TRY(const std::size_t batch, axisAt(attributeOr<std::int64_t>(node, "batch_axis", 1), shape.size()));
    QSCOPE_TRY(const auto lengths, integers(*inputs[1]));
    if (time == batch || std::ssize(lengths) != shape[batch] ||
        std::ranges::any_of(lengths, [&](std::int64_t length) { return length < 0 || length > shape[time]; }))
        return fail(ErrorCode::OutOfRange, "the lengths do not fit {}", describe(shape));
    const Shape strides = stridesOf(shape);
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        eachIndex(shape, strides, [&](std::size_t i, std::int64_t at) {
            const std::int64_t step = at / strides[time] % shape[time];
            const std::int64_t length = lengths[static_cast<std::size_t>(at / strides[batch] % shape[batch])];
            const std::int64_t from = step < length ? at + (length - 1 - 2 * step) * strides[time] : at;
            out[i] = source[static_cast<std::size_t>(from)];
        });
        return {};
    }));
}

Outputs trilu(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    const Shape& shape = value.shape();
    if (shape.size() < 2) return fail(ErrorCode::OutOfRange, "{} holds no matrices", describe(shape));
    const bool upper = attributeOr<std::int64_t>(node, "upper", 1) != 0;
    std::int64_t diagonal = 0;
    if (const Value* given = inputOf(inputs, 1)) {
        QSCOPE_TRY(diagonal, integerOf(*given));
    }
    const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
    diagonal = std::clamp(diagonal, -rows - 1, columns + 1);
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto at = static_cast<std::int64_t>(i);
            const std::int64_t row = at / columns % rows, column = at % columns;
            if (upper ? column - row >= diagonal : column - row <= diagonal) out[i] = source[i];
        }
        return {};
    }));
}

Outputs nonZero(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Value value, widened(*inputs[0]));
    return withNumber(value.dtype(), [&]<class T>(T) -> Outputs {
        std::vector<std::int64_t> found;
        const auto numbers = elements<T>(value);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            if (numbers[i] != T{0}) found.push_back(static_cast<std::int64_t>(i));
        const Shape& shape = value.shape();
        const Shape strides = stridesOf(shape);
        QSCOPE_TRY(const std::size_t count, roomFor({std::ssize(shape), std::ssize(found)}, sizeof(std::int64_t)));
        std::vector<std::int64_t> indices(count);
        for (std::size_t axis = 0; axis < shape.size(); ++axis)
            for (std::size_t i = 0; i < found.size(); ++i)
                indices[axis * found.size() + i] = found[i] / strides[axis] % shape[axis];
        return std::vector{makeValue<std::int64_t>({std::ssize(shape), std::ssize(found)}, std::move(indices))};
    });
}

constexpr std::array kGathering{
    Operator{"Where", 3, 3, 1, where},
    Operator{"GatherElements", 2, 2, 1, gatherElements},
    Operator{"GatherND", 2, 2, 1, gatherNd},
    Operator{"Compress", 2, 2, 1, compress},
    Operator{"ReverseSequence", 2, 2, 1, reverseSequence},
    Operator{"Trilu", 1, 2, 1, trilu},
    Operator{"NonZero", 1, 1, 1, nonZero},
};

} // namespace

std::span<const Operator> gatheringOperators() { return kGathering; }

} // namespace qscope::engine::nn
