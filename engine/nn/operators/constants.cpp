// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/element_types.h"
#include "engine/nn/operators/moves.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine::nn {

namespace {

Outputs constantOfShape(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Shape shape, integers(*inputs[0]));
    const Value value = attributeOr(node, "value", makeValue<float>({1}, {0}));
    if (elementCount(value.shape()) != 1) return fail(ErrorCode::OutOfRange, "its value is no scalar");
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        std::ranges::fill(out, source.front());
        return {};
    }));
}

Outputs range(const Node&, OperatorInputs inputs, OperatorContext&) {
    std::array<Value, 3> wide;
    for (std::size_t i = 0; i < 3; ++i) {
        QSCOPE_CHECK(requireSameType(*inputs[0], *inputs[i]));
        if (elementCount(inputs[i]->shape()) != 1) return fail(ErrorCode::OutOfRange, "its inputs are no scalars");
        QSCOPE_TRY(wide[i], widened(*inputs[i]));
    }
    return withNumber(wide[0].dtype(), [&]<class T>(T) -> Outputs {
        const T start = elements<T>(wide[0])[0], limit = elements<T>(wide[1])[0], delta = elements<T>(wide[2])[0];
        const double span = static_cast<double>(limit) - static_cast<double>(start);
        const double count = std::ceil(span / static_cast<double>(delta));
        if (!(std::abs(count) < 0x1p62))
            return fail(ErrorCode::OutOfRange, "a range of {} by {} has no end", span, delta);
        const Shape shape{static_cast<std::int64_t>(std::max(count, 0.0))};
        QSCOPE_TRY(const std::size_t size, roomFor(shape, sizeof(T)));
        std::vector<T> values(size);
        for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<T>(start + static_cast<T>(i) * delta);
        return one(narrowed(makeValue(shape, std::move(values)), inputs[0]->dtype()));
    });
}

Outputs eyeLike(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape& shape = inputs[0]->shape();
    if (shape.size() != 2) return fail(ErrorCode::OutOfRange, "{} is no matrix", describe(shape));
    QSCOPE_TRY(ElementType type, elementTypeOf(*inputs[0]));
    if (const auto asked = attributeOr<std::int64_t>(node, "dtype", 0); asked != 0) {
        QSCOPE_TRY(type, elementType(asked));
    }
    const std::int64_t diagonal = std::clamp(attributeOr<std::int64_t>(node, "k", 0), -shape[0], shape[1]);
    QSCOPE_TRY(const std::size_t count, roomFor(shape, sizeof(double)));
    std::vector<std::uint8_t> ones(count);
    for (std::int64_t row = std::max<std::int64_t>(0, -diagonal); row < shape[0] && row + diagonal < shape[1]; ++row)
        ones[static_cast<std::size_t>(row * shape[1] + row + diagonal)] = 1;
    return one(castTo(makeValue(shape, std::move(ones)), type));
}

constexpr std::array kConstants{
    Operator{"ConstantOfShape", 1, 1, 1, constantOfShape},
    Operator{"Range", 3, 3, 1, range},
    Operator{"EyeLike", 1, 1, 1, eyeLike},
};

} // namespace

std::span<const Operator> constantOperators() { return kConstants; }

} // namespace qscope::engine::nn
