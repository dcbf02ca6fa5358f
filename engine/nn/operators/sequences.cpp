// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

using Items = std::vector<Value>;

Result<const Items*> itemsOf(const Value& value) {
    if (!value.items) return fail(ErrorCode::OutOfRange, "a tensor stands where a sequence is expected");
    return value.items.get();
}

/// A position in a sequence, from the end when negative; `length` itself only where something is put in.
Result<std::size_t> positionOf(const Value& value, std::size_t length, bool mayAppend) {
    QSCOPE_TRY(const std::int64_t at, integerOf(value));
    return axisAt(at, length + (mayAppend && at >= 0 ? 1 : 0));
}

Outputs construct(const Node&, OperatorInputs inputs, OperatorContext&) {
    Items items;
    for (const Value* input : inputs) items.push_back(*input);
    return std::vector{makeSequence(std::move(items))};
}

Outputs empty(const Node&, OperatorInputs, OperatorContext&) { return std::vector{makeSequence({})}; }

Outputs length(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Items* items, itemsOf(*inputs[0]));
    return std::vector{makeValue<std::int64_t>({}, {std::ssize(*items)})};
}

Outputs at(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Items* items, itemsOf(*inputs[0]));
    QSCOPE_TRY(const std::size_t position, positionOf(*inputs[1], items->size(), false));
    return std::vector{(*items)[position]};
}

Outputs insert(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Items* items, itemsOf(*inputs[0]));
    std::size_t position = items->size();
    if (const Value* given = inputOf(inputs, 2)) {
        QSCOPE_TRY(position, positionOf(*given, items->size(), true));
    }
    Items longer = *items;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(position), *inputs[1]);
    return std::vector{makeSequence(std::move(longer))};
}

Outputs erase(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Items* items, itemsOf(*inputs[0]));
    if (items->empty()) return fail(ErrorCode::OutOfRange, "an empty sequence has nothing to erase");
    std::size_t position = items->size() - 1;
    if (const Value* given = inputOf(inputs, 1)) {
        QSCOPE_TRY(position, positionOf(*given, items->size(), false));
    }
    Items shorter = *items;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(position));
    return std::vector{makeSequence(std::move(shorter))};
}

/// In parts of the lengths of `split`: a list, or one length for all but the last; 1 and perhaps without the axis when
/// there is none.
Outputs splitToSequence(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), value.shape().size()));
    const std::int64_t size = value.shape()[axis];
    const Value* given = inputOf(inputs, 1);
    std::vector<std::int64_t> parts;
    if (given && !given->shape().empty()) {
        QSCOPE_TRY(parts, integers(*given));
    } else {
        std::int64_t each = 1;
        if (given) {
            QSCOPE_TRY(each, integerOf(*given));
        }
        if (each < 1) return fail(ErrorCode::OutOfRange, "parts of length {}", each);
        for (std::int64_t left = size; left > 0; left -= each) parts.push_back(std::min(left, each));
    }
    const bool dropAxis = !given && attributeOr<std::int64_t>(node, "keepdims", 1) == 0;
    const Shape strides = stridesOf(value.shape());
    Items items;
    std::int64_t start = 0;
    for (const std::int64_t part : parts) {
        if (part < 0 || part > size - start)
            return fail(ErrorCode::OutOfRange, "the parts of axis {} are not {} long", axis, size);
        Shape shape = value.shape();
        shape[axis] = part;
        QSCOPE_TRY(Value item, strided(value, shape, strides, start * strides[axis]));
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
        items.push_back(dropAxis ? reshaped(std::move(item), std::move(shape)) : std::move(item));
        start += part;
    }
    if (start != size) return fail(ErrorCode::OutOfRange, "the parts of axis {} are not {} long", axis, size);
    return std::vector{makeSequence(std::move(items))};
}

Outputs concatFromSequence(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Items* items, itemsOf(*inputs[0]));
    if (items->empty()) return fail(ErrorCode::OutOfRange, "an empty sequence cannot be joined");
    Items parts = *items;
    if (attributeOr<std::int64_t>(node, "new_axis", 0) != 0)
        for (Value& part : parts) {
            Shape shape = part.shape();
            QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), shape.size() + 1));
            shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
            part = reshaped(std::move(part), std::move(shape));
        }
    std::vector<const Value*> pointers;
    for (const Value& part : parts) pointers.push_back(&part);
    return findOperator("Concat")->forward(node, pointers, context);
}

constexpr std::array kSequences{
    Operator{"SequenceConstruct", 1, -1, 1, construct},    Operator{"SequenceEmpty", 0, 0, 1, empty},
    Operator{"SequenceLength", 1, 1, 1, length},           Operator{"SequenceAt", 2, 2, 1, at},
    Operator{"SequenceInsert", 2, 3, 1, insert},           Operator{"SequenceErase", 1, 2, 1, erase},
    Operator{"SplitToSequence", 1, 2, 1, splitToSequence}, Operator{"ConcatFromSequence", 1, 1, 1, concatFromSequence},
};

} // namespace

std::span<const Operator> sequenceOperators() { return kSequences; }

} // namespace qscope::engine::nn
