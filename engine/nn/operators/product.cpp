// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/product.h"

#include "engine/nn/operators/broadcast.h"

#include <array>

namespace qscope::engine::nn {

namespace {

Result<void> expectOneType(const Value& left, const Value& right) {
    if (left.dtype() == right.dtype()) return {};
    return fail(ErrorCode::Unsupported, "{} and {} do not mix", info(left.dtype()).name, info(right.dtype()).name);
}

Outputs linear(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    const Value& weight = *inputs[1];
    const Value* bias = inputOf(inputs, 2);
    QSCOPE_CHECK(expectRank(weight, 2, 2, "the weight"));
    QSCOPE_CHECK(expectOneType(x, weight));
    const std::int64_t out = weight.shape()[0];
    const std::int64_t in = weight.shape()[1];
    if (x.shape().empty() || x.shape().back() != in)
        return fail(ErrorCode::OutOfRange, "x of shape {} does not fit a weight of shape {}", describe(x.shape()),
                    describe(weight.shape()));
    if (bias) {
        QSCOPE_CHECK(expectShape(*bias, {out}, "the bias"));
        QSCOPE_CHECK(expectOneType(x, *bias));
    }
    Shape shape = x.shape();
    shape.back() = out;
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(shape));
        if (y.empty()) return one(makeValue(std::move(shape), std::move(y)));
        kernels::MatrixProduct<T> product;
        product.rows = productOf(shape, 0, shape.size() - 1);
        product.columns = out;
        product.inner = in;
        product.left = {elements<T>(x), in};
        product.right = {elements<T>(weight), in, true};
        product.result = y;
        product.resultStride = out;
        if (bias) product.bias = elements<T>(*bias);
        QSCOPE_CHECK(multiply(product, context.run));
        return one(makeValue(std::move(shape), std::move(y)));
    });
}

/// As numpy.matmul: vectors get an axis that goes again, leading axes are batches that broadcast.
Outputs matMul(const Node&, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(Value product, multiplied(*inputs[0], *inputs[1], context.run));
    return one(std::move(product));
}

Outputs gemm(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value* c = inputOf(inputs, 2);
    QSCOPE_CHECK(expectRank(*inputs[0], 2, 2, "A"));
    QSCOPE_CHECK(expectRank(*inputs[1], 2, 2, "B"));
    QSCOPE_CHECK(expectOneType(*inputs[0], *inputs[1]));
    if (c) QSCOPE_CHECK(expectOneType(*inputs[0], *c));
    QSCOPE_TRY(const Value a, widened(*inputs[0]));
    QSCOPE_TRY(const Value b, widened(*inputs[1]));
    const bool transA = attributeOr<std::int64_t>(node, "transA", 0) != 0;
    const bool transB = attributeOr<std::int64_t>(node, "transB", 0) != 0;
    const std::int64_t rows = a.shape()[transA ? 1 : 0];
    const std::int64_t depth = a.shape()[transA ? 0 : 1];
    const std::int64_t columns = b.shape()[transB ? 0 : 1];
    if (b.shape()[transB ? 1 : 0] != depth)
        return fail(ErrorCode::OutOfRange, "matrices of shapes {} and {} have no product", describe(a.shape()),
                    describe(b.shape()));
    QSCOPE_TRY(Value result, withNumber(a.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   QSCOPE_TRY(std::vector<T> y, makeElements<T>({rows, columns}));
                   kernels::MatrixProduct<T> product;
                   product.rows = rows;
                   product.columns = columns;
                   product.inner = depth;
                   product.left = {elements<T>(a), a.shape()[1], transA};
                   product.right = {elements<T>(b), b.shape()[1], transB};
                   product.resultStride = columns;
                   product.scale = static_cast<T>(attributeOr(node, "alpha", 1.0));
                   if (c) {
                       QSCOPE_TRY(const Value wide, widened(*c));
                       QSCOPE_TRY(y, expandedTo<T>(wide, {rows, columns}, context.run, "C"));
                       const auto beta = static_cast<T>(attributeOr(node, "beta", 1.0));
                       if (beta != 1)
                           for (T& value : y) value *= beta;
                       product.accumulate = true;
                   }
                   product.result = y;
                   QSCOPE_CHECK(multiply(product, context.run));
                   return makeValue({rows, columns}, std::move(y));
               }));
    QSCOPE_TRY(result, narrowed(std::move(result), inputs[0]->dtype()));
    return one(std::move(result));
}

constexpr std::array kProduct{
    Operator{"Linear", 2, 3, 1, real<linear>},
    Operator{"MatMul", 2, 2, 1, real<matMul>},
    Operator{"Gemm", 2, 3, 1, real<gemm>},
};

} // namespace

Result<Value> multiplied(const Value& left, const Value& right, const RunContext& context) {
    QSCOPE_CHECK(expectOneType(left, right));
    QSCOPE_CHECK(expectRank(left, 1, 64, "A"));
    QSCOPE_CHECK(expectRank(right, 1, 64, "B"));
    QSCOPE_TRY(const Value a, widened(left));
    QSCOPE_TRY(const Value b, widened(right));
    Shape leftShape = a.shape();
    Shape rightShape = b.shape();
    if (left.shape().size() == 1) leftShape.insert(leftShape.begin(), 1);
    if (right.shape().size() == 1) rightShape.push_back(1);
    const std::int64_t rows = leftShape[leftShape.size() - 2];
    const std::int64_t depth = leftShape.back();
    const std::int64_t columns = rightShape.back();
    if (rightShape[rightShape.size() - 2] != depth)
        return fail(ErrorCode::OutOfRange, "matrices of shapes {} and {} have no product", describe(left.shape()),
                    describe(right.shape()));
    const Shape leftBatch(leftShape.begin(), leftShape.end() - 2);
    const Shape rightBatch(rightShape.begin(), rightShape.end() - 2);
    QSCOPE_TRY(const Broadcast batches, broadcast(leftBatch, rightBatch));
    Shape shape = batches.shape;
    if (left.shape().size() > 1) shape.push_back(rows);
    if (right.shape().size() > 1) shape.push_back(columns);
    QSCOPE_TRY(
        Value result, withNumber(a.dtype(), [&](auto zero) -> Result<Value> {
            using T = decltype(zero);
            QSCOPE_TRY(std::vector<T> y, makeElements<T>(shape));
            if (y.empty()) return makeValue(shape, std::move(y));
            kernels::MatrixProduct<T> product;
            product.rows = rows;
            product.columns = columns;
            product.inner = depth;
            product.batch = batches.sizes.back();
            product.resultStride = columns;
            product.resultBatchStride = rows * columns;
            for (std::int64_t n = 0; n < batches.count; n += product.batch) {
                const auto [i, j] = batches.offsets(n);
                const auto from = [](const Value& value, std::int64_t matrices, std::int64_t size) {
                    return elements<T>(value).subspan(static_cast<std::size_t>(matrices * size));
                };
                product.left = {from(a, i, rows * depth), depth, false, batches.left.back() * rows * depth};
                product.right = {from(b, j, depth * columns), columns, false, batches.right.back() * depth * columns};
                product.result = std::span(y).subspan(static_cast<std::size_t>(n * rows * columns));
                QSCOPE_CHECK(multiply(product, context));
            }
            return makeValue(shape, std::move(y));
        }));
    return narrowed(std::move(result), left.dtype());
}

std::span<const Operator> productOperators() { return kProduct; }

} // namespace qscope::engine::nn
