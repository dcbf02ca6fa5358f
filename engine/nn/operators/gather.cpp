// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"
#include "engine/nn/operators/moves.h"

#include <array>

namespace qscope::engine::nn {

namespace {

/// Slices of the data at whole numbers along one axis; negative ones count from the end.
Outputs gather(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& data = *inputs[0];
    const Value& places = *inputs[1];
    const Shape& from = data.shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), from.size()));
    QSCOPE_TRY(std::vector<std::int64_t> indices, integers(places));
    const std::int64_t size = from[axis];
    for (std::int64_t& index : indices) {
        if (index < -size || index >= size)
            return fail(ErrorCode::OutOfRange, "index {} of an axis of size {}", index, size);
        if (index < 0) index += size;
    }
    Shape shape(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(axis));
    shape.insert(shape.end(), places.shape().begin(), places.shape().end());
    shape.insert(shape.end(), from.begin() + static_cast<std::ptrdiff_t>(axis) + 1, from.end());
    QSCOPE_CHECK(checkedCount(shape));
    return one(moved(data, std::move(shape), [&](auto source, auto target) -> Result<void> {
        if (target.empty()) return {};
        const std::int64_t slice = productOf(from, axis + 1, from.size());
        const std::int64_t count = std::ssize(indices);
        return inParallel(
            productOf(from, 0, axis) * count, slice, context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t n = begin; n < end; ++n)
                    std::copy_n(source.data() +
                                    (n / count * size + indices[static_cast<std::size_t>(n % count)]) * slice,
                                slice, target.data() + n * slice);
            });
    }));
}

constexpr std::array kGather{
    Operator{"Gather", 2, 2, 1, gather},
};

} // namespace

std::span<const Operator> gatherOperators() { return kGather; }

} // namespace qscope::engine::nn
