// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

/// Offsets in `data` of the runs of `run` elements that the updates go to, one after the other.
struct Places {
    std::vector<std::int64_t> offsets;
    std::int64_t run = 1;
};

template<class T>
T combined(T old, T update, std::string_view how) {
    if (how == "max") return std::max(old, update);
    if (how == "min") return std::min(old, update);
    // Whole numbers wrap around, which only unsigned ones may.
    using Wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;
    const auto a = static_cast<Wide>(old), b = static_cast<Wide>(update);
    return static_cast<T>(how == "mul" ? a * b : a + b);
}

template<class T, class Combine>
std::vector<T> scattered(std::span<const T> data, std::span<const T> updates, const Places& places, Combine combine) {
    std::vector<T> out(data.begin(), data.end());
    std::size_t from = 0;
    for (const std::int64_t offset : places.offsets)
        for (std::int64_t i = 0; i < places.run; ++i, ++from) {
            T& to = out[static_cast<std::size_t>(offset + i)];
            to = combine(to, updates[from]);
        }
    return out;
}

Outputs scatter(const Node& node, OperatorInputs inputs, const Places& places) {
    QSCOPE_CHECK(requireSameType(*inputs[0], *inputs[2]));
    const std::string how = attributeOr<std::string>(node, "reduction", "none");
    if (how == "none")
        return one(moved(
            *inputs[0], inputs[0]->shape(), [&]<class T>(std::span<const T> data, std::span<T> out) -> Result<void> {
                auto result =
                    scattered<T>(data, stored<T>(*inputs[2]), places, [](const T&, const T& update) { return update; });
                std::ranges::move(result, out.begin());
                return {};
            }));
    if (how != "add" && how != "mul" && how != "max" && how != "min")
        return fail(ErrorCode::Unsupported, "reduction '{}' is not known", how);
    QSCOPE_TRY(const Value data, widened(*inputs[0]));
    QSCOPE_TRY(const Value updates, widened(*inputs[2]));
    QSCOPE_TRY(Value result, withNumber(data.dtype(), [&]<class T>(T) -> Result<Value> {
                   const auto combine = [&](T old, T update) { return combined(old, update, how); };
                   return makeValue(data.shape(),
                                    scattered<T>(elements<T>(data), elements<T>(updates), places, combine));
               }));
    return one(narrowed(std::move(result), inputs[0]->dtype()));
}

Result<std::int64_t> placeOn(std::int64_t index, std::int64_t size) {
    if (index < -size || index >= size)
        return fail(ErrorCode::OutOfRange, "index {} is outside of an axis of {}", index, size);
    return index < 0 ? index + size : index;
}

Outputs scatterElements(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape &shape = inputs[0]->shape(), &asked = inputs[1]->shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), shape.size()));
    bool fits = asked.size() == shape.size() && inputs[2]->shape() == asked;
    for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = i == axis || asked[i] <= shape[i];
    if (!fits)
        return fail(ErrorCode::OutOfRange, "indices {} and updates {} do not fit {}", describe(asked),
                    describe(inputs[2]->shape()), describe(shape));
    QSCOPE_TRY(std::vector<std::int64_t> indices, integers(*inputs[1]));
    for (std::int64_t& index : indices) {
        QSCOPE_TRY(index, placeOn(index, shape[axis]));
    }
    Shape strides = stridesOf(shape);
    const std::int64_t step = std::exchange(strides[axis], 0);
    Places places;
    places.offsets.resize(indices.size());
    eachIndex(asked, strides, [&](std::size_t i, std::int64_t at) { places.offsets[i] = at + indices[i] * step; });
    return scatter(node, inputs, places);
}

Outputs scatterNd(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape &shape = inputs[0]->shape(), &asked = inputs[1]->shape();
    const std::int64_t depth = asked.empty() ? -1 : asked.back();
    if (depth < 0 || depth > std::ssize(shape))
        return fail(ErrorCode::OutOfRange, "indices {} do not fit {}", describe(asked), describe(shape));
    Shape expected(asked.begin(), asked.end() - 1);
    expected.insert(expected.end(), shape.begin() + depth, shape.end());
    if (inputs[2]->shape() != expected)
        return fail(ErrorCode::OutOfRange, "the updates are {}, not {}", describe(inputs[2]->shape()),
                    describe(expected));
    QSCOPE_TRY(const std::vector<std::int64_t> indices, integers(*inputs[1]));
    const Shape strides = stridesOf(shape);
    Places places;
    places.run = elementCount(Shape(shape.begin() + depth, shape.end()));
    auto index = indices.begin();
    const std::int64_t tuples = elementCount(Shape(asked.begin(), asked.end() - 1));
    for (std::int64_t tuple = 0; tuple < tuples; ++tuple) {
        std::int64_t& offset = places.offsets.emplace_back(0);
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(depth); ++axis, ++index) {
            QSCOPE_TRY(const std::int64_t place, placeOn(*index, shape[axis]));
            offset += place * strides[axis];
        }
    }
    return scatter(node, inputs, places);
}

Outputs oneHot(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Value whole, converted(*inputs[0], DType::I64));
    QSCOPE_TRY(const Value depths, converted(*inputs[1], DType::I64));
    const Value& choice = *inputs[2];
    if (elementCount(depths.shape()) != 1 || choice.shape() != Shape{2})
        return fail(ErrorCode::OutOfRange, "depth is no number, or off and on are not two values");
    const std::int64_t depth = elements<std::int64_t>(depths).front();
    Shape shape = whole.shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", -1), shape.size() + 1));
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
    return one(moved(choice, shape, [&]<class T>(std::span<const T> offOn, std::span<T> out) -> Result<void> {
        const AroundAxis around = aroundAxis(shape, axis);
        std::ranges::fill(out, offOn[0]);
        const auto indices = elements<std::int64_t>(whole);
        for (std::int64_t i = 0; i < std::ssize(indices); ++i) {
            std::int64_t index = indices[static_cast<std::size_t>(i)];
            if (index < 0) index += depth; // what lies outside is off everywhere
            if (index < 0 || index >= depth) continue;
            out[static_cast<std::size_t>((i / around.inner * depth + index) * around.inner + i % around.inner)] =
                offOn[1];
        }
        return {};
    }));
}

constexpr std::array kScattering{
    Operator{"ScatterElements", 3, 3, 1, scatterElements},
    Operator{"ScatterND", 3, 3, 1, scatterNd},
    Operator{"OneHot", 3, 3, 1, oneHot},
};

} // namespace

std::span<const Operator> scatteringOperators() { return kScattering; }

} // namespace qscope::engine::nn
