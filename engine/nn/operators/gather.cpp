// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cstring>

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
    QSCOPE_TRY(const std::int64_t count, checkedCount(shape));
    if (data.texts || info(data.dtype()).blockBits % 8 != 0 || info(data.dtype()).blockLength != 1)
        return fail(ErrorCode::Unsupported, "elements of type {} cannot be gathered", info(data.dtype()).name);
    const auto bytes = static_cast<std::size_t>(info(data.dtype()).blockBits / 8);
    std::vector<std::byte> out(static_cast<std::size_t>(count) * bytes);
    if (count > 0) {
        const auto slice = static_cast<std::size_t>(productOf(from, axis + 1, from.size())) * bytes;
        QSCOPE_CHECK(inParallel(productOf(from, 0, axis) * std::ssize(indices), static_cast<std::int64_t>(slice),
                                context.run, [&](std::int64_t begin, std::int64_t end) {
                                    for (std::int64_t n = begin; n < end; ++n) {
                                        const auto index = indices[static_cast<std::size_t>(n % std::ssize(indices))];
                                        const auto row =
                                            static_cast<std::size_t>(n / std::ssize(indices) * size + index);
                                        std::memcpy(out.data() + static_cast<std::size_t>(n) * slice,
                                                    data.host.bytes.data() + row * slice, slice);
                                    }
                                }));
    }
    return one(Value{makeTensor(data.dtype(), std::move(shape), std::move(out))});
}

constexpr std::array kGather{
    Operator{"Gather", 2, 2, 1, gather},
};

} // namespace

std::span<const Operator> gatherOperators() { return kGather; }

} // namespace qscope::engine::nn
