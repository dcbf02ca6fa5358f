// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/broadcast.h"
#include "engine/nn/operators/convolution.h"
#include "engine/nn/operators/product.h"

#include <array>
#include <cmath>

// Products of quantized numbers. They are calculated in double: sums of products of bytes are exact there.

namespace qscope::engine::nn {

namespace {

/// As numbers per row of a matrix: [rows] becomes [rows, 1], so that it broadcasts along the columns.
Value perRow(const Value& value) { return value.shape().size() == 1 ? reshaped(value, {value.shape()[0], 1}) : value; }

/// As numbers per channel of a weight [channels, ...].
Value perChannel(const Value& value, std::size_t rank, std::size_t axis) {
    if (value.shape().size() != 1) return value;
    Shape shape(rank, 1);
    shape[axis] = value.shape()[0];
    return reshaped(value, shape);
}

/// f(value, other) in double over the shape of `value`.
template<class F>
Result<Value> combined(const Value& value, const Value& other, const RunContext& context, std::string_view what,
                       const F& f) {
    QSCOPE_TRY(const Value left, converted(value, DType::F64));
    QSCOPE_TRY(const Value right, converted(other, DType::F64));
    QSCOPE_TRY(const Broadcast plan, broadcast(left.shape(), right.shape()));
    QSCOPE_CHECK(plan.shape == left.shape() ? Result<void>{} : expectShape(right, left.shape(), what));
    QSCOPE_TRY(std::vector<double> out, makeElements<double>(plan.shape));
    QSCOPE_CHECK(combine(plan, elements<double>(left).data(), elements<double>(right).data(), out.data(), context, f));
    return makeValue(plan.shape, std::move(out));
}

/// value - zero, in double.
Result<Value> centred(const Value& value, const Value* zero, const RunContext& context) {
    if (value.dtype() != DType::I8 && value.dtype() != DType::U8)
        return fail(ErrorCode::Unsupported, "elements of type {} are no bytes", info(value.dtype()).name);
    if (!zero) return converted(value, DType::F64);
    return combined(value, *zero, context, "the zero point", std::minus<>{});
}

/// Whole numbers in double, as I32 that wrap around.
Outputs asInt32(const Value& exact) {
    QSCOPE_TRY(Value wide, converted(exact, DType::I64));
    return one(narrowed(std::move(wide), DType::I32));
}

/// round(value * scale / outputScale) + zero, saturated, in the type of `zero`.
Outputs requantized(const Value& value, const Value& outputScale, const Value& zero, const RunContext& context) {
    if (zero.dtype() != DType::I8 && zero.dtype() != DType::U8)
        return fail(ErrorCode::Unsupported, "outputs of type {} are no bytes", info(zero.dtype()).name);
    QSCOPE_TRY(const Value steps, combined(value, outputScale, context, "the scale of the output",
                                           [](double x, double scale) { return std::nearbyint(x / scale); }));
    QSCOPE_TRY(const Value moved, combined(steps, zero, context, "the zero point", std::plus<>{}));
    return one(converted(moved, zero.dtype()));
}

Outputs matMulInteger(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value* leftZero = inputOf(inputs, 2);
    const Value zero = leftZero ? perRow(*leftZero) : Value{};
    QSCOPE_TRY(const Value left, centred(*inputs[0], leftZero ? &zero : nullptr, context.run));
    QSCOPE_TRY(const Value right, centred(*inputs[1], inputOf(inputs, 3), context.run));
    QSCOPE_TRY(const Value product, multiplied(left, right, context.run));
    return asInt32(product);
}

Outputs qLinearMatMul(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value leftScale = perRow(*inputs[1]);
    const Value leftZero = perRow(*inputs[2]);
    QSCOPE_TRY(const Value left, centred(*inputs[0], &leftZero, context.run));
    QSCOPE_TRY(const Value right, centred(*inputs[3], inputs[5], context.run));
    QSCOPE_TRY(Value product, multiplied(left, right, context.run));
    QSCOPE_TRY(product, combined(product, leftScale, context.run, "the scale of A", std::multiplies<>{}));
    QSCOPE_TRY(product, combined(product, *inputs[4], context.run, "the scale of B", std::multiplies<>{}));
    return requantized(product, perRow(*inputs[6]), perRow(*inputs[7]), context.run);
}

Outputs convInteger(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value* weightZero = inputOf(inputs, 3);
    const Value zero = weightZero ? perChannel(*weightZero, inputs[1]->shape().size(), 0) : Value{};
    QSCOPE_TRY(const Value x, centred(*inputs[0], inputOf(inputs, 2), context.run));
    QSCOPE_TRY(const Value weight, centred(*inputs[1], weightZero ? &zero : nullptr, context.run));
    QSCOPE_TRY(const Value product, convolved(node, x, weight, nullptr, context.run));
    return asInt32(product);
}

Outputs qLinearConv(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const std::size_t rank = inputs[3]->shape().size();
    if (rank < 3) return fail(ErrorCode::OutOfRange, "a weight of shape {}", describe(inputs[3]->shape()));
    const Value weightZero = perChannel(*inputs[5], rank, 0);
    QSCOPE_TRY(const Value x, centred(*inputs[0], inputs[2], context.run));
    QSCOPE_TRY(const Value weight, centred(*inputs[3], &weightZero, context.run));
    QSCOPE_TRY(Value sums, convolved(node, x, weight, nullptr, context.run));
    if (const Value* bias = inputOf(inputs, 8)) {
        QSCOPE_TRY(sums, combined(sums, perChannel(*bias, rank, 1), context.run, "the bias", std::plus<>{}));
    }
    QSCOPE_TRY(sums, combined(sums, *inputs[1], context.run, "the scale of x", std::multiplies<>{}));
    QSCOPE_TRY(sums,
               combined(sums, perChannel(*inputs[4], rank, 1), context.run, "the scale of w", std::multiplies<>{}));
    return requantized(sums, *inputs[6], *inputs[7], context.run);
}

constexpr std::array kIntegerProduct{
    Operator{"MatMulInteger", 2, 4, 1, matMulInteger},
    Operator{"QLinearMatMul", 8, 8, 1, qLinearMatMul},
    Operator{"ConvInteger", 2, 4, 1, convInteger},
    Operator{"QLinearConv", 8, 9, 1, qLinearConv},
};

} // namespace

std::span<const Operator> integerProductOperators() { return kIntegerProduct; }

} // namespace qscope::engine::nn
