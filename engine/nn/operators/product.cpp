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
        const std::int64_t rows = productOf(shape, 0, shape.size() - 1);
        QSCOPE_CHECK(multiply<T>({elements<T>(x).data(), in, 1}, {elements<T>(weight).data(), 1, in}, y.data(), rows,
                                 out, in, context.run));
        if (bias)
            QSCOPE_CHECK(inParallel(rows, out, context.run, [&](std::int64_t begin, std::int64_t end) {
                const T* add = elements<T>(*bias).data();
                for (std::int64_t r = begin; r < end; ++r)
                    for (std::int64_t c = 0; c < out; ++c) y[static_cast<std::size_t>(r * out + c)] += add[c];
            }));
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
                   QSCOPE_CHECK(multiply<T>({elements<T>(a).data(), transA ? 1 : depth, transA ? rows : 1},
                                            {elements<T>(b).data(), transB ? 1 : columns, transB ? depth : 1}, y.data(),
                                            rows, columns, depth, context.run));
                   const auto alpha = static_cast<T>(attributeOr(node, "alpha", 1.0));
                   const auto beta = static_cast<T>(attributeOr(node, "beta", 1.0));
                   if (alpha != 1)
                       for (T& value : y) value *= alpha;
                   if (c) {
                       QSCOPE_TRY(const Value wide, widened(*c));
                       QSCOPE_TRY(const auto add, expandedTo<T>(wide, {rows, columns}, context.run, "C"));
                       for (std::size_t i = 0; i < y.size(); ++i) y[i] += beta * add[i];
                   }
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
    QSCOPE_TRY(Value result, withNumber(a.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   QSCOPE_TRY(std::vector<T> y, makeElements<T>(shape));
                   if (y.empty()) return makeValue(shape, std::move(y));
                   // One product of many rows where the right matrix is the same for all batches.
                   const bool joined = elementCount(rightBatch) == 1;
                   const std::int64_t products = joined ? 1 : batches.count;
                   const std::int64_t height = joined ? rows * batches.count : rows;
                   for (std::int64_t n = 0; n < products; ++n) {
                       const auto [i, j] = batches.offsets(n);
                       QSCOPE_CHECK(multiply<T>({elements<T>(a).data() + i * rows * depth, depth, 1},
                                                {elements<T>(b).data() + j * depth * columns, columns, 1},
                                                y.data() + n * height * columns, height, columns, depth, context));
                   }
                   return makeValue(shape, std::move(y));
               }));
    return narrowed(std::move(result), left.dtype());
}

std::span<const Operator> productOperators() { return kProduct; }

} // namespace qscope::engine::nn
