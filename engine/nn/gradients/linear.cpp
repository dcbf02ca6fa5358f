// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <utility>

namespace qscope::engine::nn::backward {

namespace {

template<class T>
MatrixRef<T> matrix(const Value& value, std::int64_t columns) {
    return {elements<T>(value).data(), columns, 1};
}

/// y = x wᵀ + b: dx = dy w, dw = dyᵀ x, db = the sum of dy's rows.
template<class T>
Result<InputGradients> linear(const BackwardStep& step) {
    const Value& x = *step.inputs[0];
    const Value& w = *step.inputs[1];
    const Value& dy = *step.outputGradients[0];
    const std::int64_t out = w.shape()[0];
    const std::int64_t in = w.shape()[1];
    const std::int64_t rows = in == 0 ? 0 : elementCount(x.shape()) / in;
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) {
        std::vector<T> dx(elements<T>(x).size());
        QSCOPE_CHECK(addProduct<T>(rows, in, out, 1, matrix<T>(dy, out), matrix<T>(w, in), dx.data(), in, step.run));
        result[0] = makeValue<T>(x.shape(), std::move(dx));
    }
    if (step.wanted[1]) {
        std::vector<T> dw(elements<T>(w).size());
        QSCOPE_CHECK(addProduct<T>(out, in, rows, 1, matrix<T>(dy, out).transposed(), matrix<T>(x, in), dw.data(), in,
                                   step.run));
        result[1] = makeValue<T>(w.shape(), std::move(dw));
    }
    if (step.inputs.size() > 2 && step.wanted[2]) {
        QSCOPE_TRY(result[2], sumTo<T>(dy, step.inputs[2]->shape(), step.run));
    }
    return result;
}

/// One operand of a batched product.
struct Batched {
    Shape batch; ///< axes before the last two
    std::int64_t rows = 1;
    std::int64_t columns = 1;
};

/// A vector is a row on the left and a column on the right.
Batched batched(const Shape& shape, bool left) {
    if (shape.size() == 1) return left ? Batched{{}, 1, shape[0]} : Batched{{}, shape[0], 1};
    return {{shape.begin(), shape.end() - 2}, shape[shape.size() - 2], shape.back()};
}

/// Y = A B over broadcast batches: dA = dY Bᵀ, dB = Aᵀ dY, summed over the batches that share an operand.
template<class T>
Result<InputGradients> matMul(const BackwardStep& step) {
    const Value& a = *step.inputs[0];
    const Value& b = *step.inputs[1];
    const T* dy = elements<T>(*step.outputGradients[0]).data();
    Batched left = batched(a.shape(), true);
    const Batched right = batched(b.shape(), false);
    if (right.batch.empty()) { // one product with all the rows
        left.rows *= elementCount(left.batch);
        left.batch.clear();
    }
    Shape batch(std::max(left.batch.size(), right.batch.size()), 1);
    for (const Shape* own : {&std::as_const(left).batch, &right.batch})
        for (std::size_t i = 0; i < own->size(); ++i) {
            std::int64_t& size = batch[batch.size() - own->size() + i];
            if ((*own)[i] != 1) size = (*own)[i];
        }
    std::vector<T> da(step.wanted[0] ? elements<T>(a).size() : 0);
    std::vector<T> db(step.wanted[1] ? elements<T>(b).size() : 0);
    const std::int64_t m = left.rows;
    const std::int64_t n = right.columns;
    const std::int64_t k = left.columns;
    const std::array strides{broadcastStrides(left.batch, batch), broadcastStrides(right.batch, batch)};
    for (std::int64_t i = 0; i < elementCount(batch); ++i) {
        if (step.run.cancelled()) return cancelled();
        std::array<std::int64_t, 2> at{};
        std::int64_t rest = i;
        for (std::size_t axis = batch.size(); axis-- > 0; rest /= batch[axis])
            for (std::size_t side = 0; side < 2; ++side) at[side] += rest % batch[axis] * strides[side][axis];
        const MatrixRef<T> one{elements<T>(a).data() + at[0] * m * k, k, 1};
        const MatrixRef<T> other{elements<T>(b).data() + at[1] * k * n, n, 1};
        const MatrixRef<T> dOut{dy + i * m * n, n, 1};
        if (step.wanted[0])
            QSCOPE_CHECK(addProduct<T>(m, k, n, 1, dOut, other.transposed(), da.data() + at[0] * m * k, k, step.run));
        if (step.wanted[1])
            QSCOPE_CHECK(addProduct<T>(k, n, m, 1, one.transposed(), dOut, db.data() + at[1] * k * n, n, step.run));
    }
    InputGradients result(2);
    if (step.wanted[0]) result[0] = makeValue<T>(a.shape(), std::move(da));
    if (step.wanted[1]) result[1] = makeValue<T>(b.shape(), std::move(db));
    return result;
}

/// Y = alpha A' B' + beta C, where ' may transpose.
template<class T>
Result<InputGradients> gemm(const BackwardStep& step) {
    const Value& a = *step.inputs[0];
    const Value& b = *step.inputs[1];
    const Value& dy = *step.outputGradients[0];
    const bool turnA = attributeOr<std::int64_t>(step.node, "transA", 0) != 0;
    const bool turnB = attributeOr<std::int64_t>(step.node, "transB", 0) != 0;
    const auto alpha = static_cast<T>(attributeOr(step.node, "alpha", 1.0));
    const std::int64_t m = dy.shape()[0];
    const std::int64_t n = dy.shape()[1];
    const std::int64_t k = a.shape()[turnA ? 0 : 1];
    const MatrixRef<T> left = turnA ? matrix<T>(a, m).transposed() : matrix<T>(a, k);  // m x k
    const MatrixRef<T> right = turnB ? matrix<T>(b, k).transposed() : matrix<T>(b, n); // k x n
    const MatrixRef<T> dOut = matrix<T>(dy, n);
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) {
        std::vector<T> da(elements<T>(a).size());
        QSCOPE_CHECK(turnA ? addProduct<T>(k, m, n, alpha, right, dOut.transposed(), da.data(), m, step.run)
                           : addProduct<T>(m, k, n, alpha, dOut, right.transposed(), da.data(), k, step.run));
        result[0] = makeValue<T>(a.shape(), std::move(da));
    }
    if (step.wanted[1]) {
        std::vector<T> db(elements<T>(b).size());
        QSCOPE_CHECK(turnB ? addProduct<T>(n, k, m, alpha, dOut.transposed(), left, db.data(), k, step.run)
                           : addProduct<T>(k, n, m, alpha, left.transposed(), dOut, db.data(), n, step.run));
        result[1] = makeValue<T>(b.shape(), std::move(db));
    }
    if (step.inputs.size() > 2 && step.wanted[2]) {
        QSCOPE_TRY(const Value sum, sumTo<T>(dy, step.inputs[2]->shape(), step.run));
        const double beta = attributeOr(step.node, "beta", 1.0);
        const auto from = elements<T>(sum);
        std::vector<T> dc(from.size());
        std::ranges::transform(from, dc.begin(), [&](T x) { return static_cast<T>(beta * static_cast<double>(x)); });
        result[2] = makeValue<T>(sum.shape(), std::move(dc));
    }
    return result;
}

constexpr std::array kLinear{
    Gradient{"Gemm", gemm<float>, gemm<double>},
    Gradient{"Linear", linear<float>, linear<double>},
    Gradient{"MatMul", matMul<float>, matMul<double>},
};

} // namespace

std::span<const Gradient> linearGradients() { return kLinear; }

} // namespace qscope::engine::nn::backward
