// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/element_types.h"

#include "engine/core/checked_math.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine::nn {

namespace {

/// Which scale belongs to an element: one for all, one per index of an axis, or one per block along it.
struct ScaleOf {
    std::int64_t size = 1, inner = 1;                                    ///< of the tensor around its axis
    std::int64_t block = 1, outerStep = 0, blockStep = 0, innerStep = 0; ///< of the scales

    [[nodiscard]] std::size_t operator()(std::size_t element) const {
        const auto i = static_cast<std::int64_t>(element);
        const std::int64_t along = i / inner % size;
        return static_cast<std::size_t>(i / (inner * size) * outerStep + along / block * blockStep +
                                        i % inner * innerStep);
    }
};

Result<ScaleOf> scaleOf(const Node& node, const Shape& shape, const Shape& scales) {
    ScaleOf found;
    const std::int64_t block = attributeOr<std::int64_t>(node, "block_size", 0);
    if (block < 0) return fail(ErrorCode::OutOfRange, "a block of {} elements", block);
    if (block == 0 && elementCount(scales) == 1 && scales.size() <= 1) return found;
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 1), shape.size()));
    const AroundAxis around = aroundAxis(shape, axis);
    found.size = std::max<std::int64_t>(around.size, 1);
    found.inner = std::max<std::int64_t>(around.inner, 1);
    Shape expected{around.size};
    if (block > 0) {
        expected = shape;
        expected[axis] = ceilDiv(around.size, block);
        found.block = block;
        found.innerStep = 1;
        found.blockStep = around.inner;
        found.outerStep = expected[axis] * around.inner;
    } else {
        found.blockStep = 1;
    }
    if (scales != expected)
        return fail(ErrorCode::OutOfRange, "scales {} along axis {} do not fit {}", describe(scales), axis,
                    describe(shape));
    return found;
}

/// Scale and zero point (zeros when absent) in single precision.
struct Grid {
    Value scales, zeros;
    ScaleOf at;
};

Result<Grid> gridOf(const Node& node, OperatorInputs inputs) {
    Grid grid;
    QSCOPE_TRY(grid.at, scaleOf(node, inputs[0]->shape(), inputs[1]->shape()));
    QSCOPE_TRY(grid.scales, castTo(*inputs[1], {1, "FLOAT", DType::F32, 0}));
    const Value* zeros = inputOf(inputs, 2);
    if (!zeros) {
        grid.zeros = makeValue(grid.scales.shape(), std::vector<float>(elements<float>(grid.scales).size()));
        return grid;
    }
    if (elementCount(zeros->shape()) != elementCount(grid.scales.shape()))
        return fail(ErrorCode::OutOfRange, "zero points {} do not fit scales {}", describe(zeros->shape()),
                    describe(grid.scales.shape()));
    QSCOPE_TRY(grid.zeros, castTo(*zeros, {1, "FLOAT", DType::F32, 0}));
    return grid;
}

/// Type of the codes: as asked, else that of the zero point, else UINT8.
Result<ElementType> codeType(const Node& node, const Value* zeros) {
    if (const auto asked = attributeOr<std::int64_t>(node, "output_dtype", 0); asked != 0) return elementType(asked);
    if (zeros) return elementTypeOf(*zeros);
    return elementType(2);
}

Outputs quantizeLinear(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Grid grid, gridOf(node, inputs));
    QSCOPE_TRY(const ElementType type, codeType(node, inputOf(inputs, 2)));
    QSCOPE_TRY(const Value real, castTo(*inputs[0], {1, "FLOAT", DType::F32, 0}));
    const bool saturate = attributeOr<std::int64_t>(node, "saturate", 1) != 0;
    // The division is in the precision of the scale unless another one is asked for.
    const DType divides = attributeOr<std::int64_t>(node, "precision", 0) == 0 ? inputs[1]->dtype() : DType::F32;
    const auto numbers = elements<float>(real), scales = elements<float>(grid.scales),
               zeros = elements<float>(grid.zeros);
    const auto quotient = [&](std::size_t i, std::size_t at) {
        const float exact = numbers[i] / scales[at];
        if (divides == DType::F16) return halfToFloat(floatToHalf(exact));
        return divides == DType::BF16 ? bfloat16ToFloat(floatToBfloat16(exact)) : exact;
    };
    if (isSmallFloat(type.held)) {
        std::vector<std::uint8_t> codes(numbers.size());
        for (std::size_t i = 0; i < codes.size(); ++i) {
            const std::size_t at = grid.at(i);
            codes[i] = smallFloat(quotient(i, at) + zeros[at], type, saturate);
        }
        Value value = makeValue(real.shape(), std::move(codes));
        value.host.dtype = type.held;
        return std::vector{std::move(value)};
    }
    const auto range = rangeOf(type);
    if (!range) return fail(ErrorCode::Unsupported, "codes of type {} are not made", type.name);
    std::vector<std::int64_t> codes(numbers.size());
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::size_t at = grid.at(i);
        const double code = std::nearbyint(static_cast<double>(quotient(i, at))) + static_cast<double>(zeros[at]);
        codes[i] =
            std::isnan(code) ? 0 : static_cast<std::int64_t>(std::clamp<double>(code, range->lowest, range->highest));
    }
    return one(narrowed(makeValue(real.shape(), std::move(codes)), type.held));
}

Outputs dequantizeLinear(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const Grid grid, gridOf(node, inputs));
    QSCOPE_TRY(const Value codes, asReal(*inputs[0]));
    const auto scales = elements<float>(grid.scales), zeros = elements<float>(grid.zeros);
    QSCOPE_TRY(ElementType type, elementTypeOf(*inputs[1]));
    if (const auto asked = attributeOr<std::int64_t>(node, "output_dtype", 0); asked != 0) {
        QSCOPE_TRY(type, elementType(asked));
    }
    return withReal(codes.dtype(), [&]<class T>(T) -> Outputs {
        const auto numbers = elements<T>(codes);
        std::vector<float> values(numbers.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::size_t at = grid.at(i);
            values[i] = static_cast<float>(numbers[i] - static_cast<T>(zeros[at])) * scales[at];
        }
        return one(castTo(makeValue(codes.shape(), std::move(values)), type));
    });
}

/// To UINT8 over the range of the values, zero included (ONNX, DynamicQuantizeLinear).
Outputs dynamicQuantizeLinear(const Node&, OperatorInputs inputs, OperatorContext&) {
    if (inputs[0]->dtype() != DType::F32) return fail(ErrorCode::Unsupported, "it takes single precision");
    const auto numbers = elements<float>(*inputs[0]);
    float lowest = 0, highest = 0;
    for (const float x : numbers) {
        lowest = std::min(lowest, x);
        highest = std::max(highest, x);
    }
    const float range = (highest - lowest) / 255;
    const float scale = range > 0 ? range : 1; // all zero: any scale will do
    const auto code = [](float x) { return std::isnan(x) ? 0 : std::clamp(x, 0.F, 255.F); };
    const float zero = code(std::nearbyint(-lowest / scale));
    std::vector<std::uint8_t> codes(numbers.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
        codes[i] = static_cast<std::uint8_t>(code(std::nearbyint(numbers[i] / scale) + zero));
    return std::vector{makeValue(inputs[0]->shape(), std::move(codes)), makeValue<float>({}, {scale}),
                       makeValue<std::uint8_t>({}, {static_cast<std::uint8_t>(zero)})};
}

/// The number at `index` of a row of packed numbers of 2, 4 or 8 bits, lowest bits first.
int packed(const std::uint8_t* row, std::int64_t index, int bits) {
    const std::int64_t bit = index * bits;
    return row[bit / 8] >> (bit % 8) & ((1 << bits) - 1);
}

/// The weight [N, K] of com.microsoft's MatMulNBits (ONNX Runtime, ContribOperators.md).
Outputs dequantizeNBits(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const std::int64_t columns = attributeOr<std::int64_t>(node, "K", 0),
                       rows = attributeOr<std::int64_t>(node, "N", 0);
    const std::int64_t wide = attributeOr<std::int64_t>(node, "bits", 4),
                       block = attributeOr<std::int64_t>(node, "block_size", 0);
    if (wide != 2 && wide != 4 && wide != 8) return fail(ErrorCode::Unsupported, "weights of {} bits", wide);
    if (block < 1 || block > kMostBytes || block * wide % 8 != 0)
        return fail(ErrorCode::OutOfRange, "blocks of {} weights", block);
    QSCOPE_TRY(const std::size_t count, roomFor({rows, columns}, sizeof(float)));
    const int bits = static_cast<int>(wide);
    const std::int64_t blocks = ceilDiv(columns, block), zeroBytes = ceilDiv(blocks * bits, std::int64_t{8});
    QSCOPE_TRY(const Value scaleValue, castTo(*inputs[1], {1, "FLOAT", DType::F32, 0}));
    const Value *zeros = inputOf(inputs, 2), *groups = inputOf(inputs, 3);
    const bool packedZeros = zeros && zeros->dtype() == DType::U8;
    Value zeroValue;
    if (zeros && !packedZeros) {
        QSCOPE_TRY(zeroValue, castTo(*zeros, {1, "FLOAT", DType::F32, 0}));
    }
    if (inputs[0]->dtype() != DType::U8 || elementCount(inputs[0]->shape()) != rows * blocks * (block * bits / 8) ||
        elementCount(scaleValue.shape()) != rows * blocks ||
        (zeros && elementCount(zeros->shape()) != rows * (packedZeros ? zeroBytes : blocks)))
        return fail(ErrorCode::OutOfRange, "codes, scales or zero points do not fit a weight of [{}, {}]", rows,
                    columns);
    std::vector<std::int64_t> groupOf;
    if (groups) {
        QSCOPE_TRY(groupOf, integers(*groups));
        if (std::ssize(groupOf) < columns ||
            std::ranges::any_of(groupOf, [&](std::int64_t group) { return group < 0 || group >= blocks; }))
            return fail(ErrorCode::OutOfRange, "the groups of columns do not fit");
    }
    const auto codes = elements<std::uint8_t>(*inputs[0]);
    const auto scales = elements<float>(scaleValue),
               realZeros = packedZeros || !zeros ? std::span<const float>() : elements<float>(zeroValue);
    std::vector<float> weight(count);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
            const std::int64_t group = groups ? groupOf[static_cast<std::size_t>(column)] : column / block;
            const auto at = static_cast<std::size_t>(row * blocks + group);
            float zero = static_cast<float>(1 << (bits - 1));
            if (packedZeros)
                zero = static_cast<float>(packed(elements<std::uint8_t>(*zeros).data() + row * zeroBytes, group, bits));
            else if (zeros)
                zero = realZeros[at];
            const int code = packed(codes.data() + row * blocks * (block * bits / 8), column, bits);
            weight[static_cast<std::size_t>(row * columns + column)] = (static_cast<float>(code) - zero) * scales[at];
        }
    QSCOPE_TRY(const ElementType type, elementTypeOf(*inputs[1]));
    return one(castTo(makeValue<float>({rows, columns}, std::move(weight)), type));
}

constexpr std::array kQuantization{
    Operator{"QuantizeLinear", 2, 3, 1, quantizeLinear},
    Operator{"DequantizeLinear", 2, 3, 1, dequantizeLinear},
    Operator{"DynamicQuantizeLinear", 1, 1, 3, dynamicQuantizeLinear},
    Operator{"DequantizeNBits", 2, 4, 1, dequantizeNBits},
};

} // namespace

std::span<const Operator> quantizationOperators() { return kQuantization; }

} // namespace qscope::engine::nn
