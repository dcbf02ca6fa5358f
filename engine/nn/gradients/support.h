// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/parallel.h"
#include "engine/nn/graph/value.h"
#include "engine/nn/kernels/matmul.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn::backward {

// What the gradients of several families need: walks over broadcast tensors, sums that undo broadcasting, products.

/// Distances between neighbours along each axis, in elements.
using Strides = std::vector<std::int64_t>;

[[nodiscard]] Strides rowMajor(const Shape& shape);
/// Of a tensor of `shape` seen through the larger shape it is broadcast to: 0 along repeated axes.
[[nodiscard]] Strides broadcastStrides(const Shape& shape, const Shape& through);

/// A negative axis counts from the end; inside [0, rank).
[[nodiscard]] inline std::size_t axisOf(std::int64_t axis, std::size_t rank) {
    return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

/// Product of the sizes of axes [begin, end).
[[nodiscard]] std::int64_t countOf(const Shape& shape, std::size_t begin, std::size_t end);

/// A run of elements along one axis in N tensors at once.
template<std::size_t N>
struct Run {
    std::int64_t count = 0;
    std::array<std::int64_t, N> first{}; ///< offset of the first element in each tensor
    std::array<std::int64_t, N> step{};
};

enum class Order : std::uint8_t { Any, Sequential };

/// Cuts the index space of `shape` into runs, in row-major order, and calls `use(run)` for each: on all cores, or one
/// after another where runs write to the same elements. Cancelled between pieces of a few ten thousand elements.
template<std::size_t N, class Use>
Result<void> walk(Shape shape, std::array<Strides, N> strides, Order order, const RunContext& context, Use use) {
    constexpr std::int64_t kPiece = 1 << 15;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (shape[axis] != 1) continue;
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
        for (Strides& list : strides) list.erase(list.begin() + static_cast<std::ptrdiff_t>(axis));
    }
    if (shape.empty()) {
        shape = {1};
        for (Strides& list : strides) list = {1};
    }
    // Neighbouring axes that lie one behind the other in every tensor become one.
    for (std::size_t axis = shape.size() - 1; axis-- > 0;) {
        const bool joined = std::ranges::all_of(
            strides, [&](const Strides& list) { return list[axis] == list[axis + 1] * shape[axis + 1]; });
        if (!joined) continue;
        shape[axis] *= shape[axis + 1];
        const auto after = static_cast<std::ptrdiff_t>(axis) + 1;
        shape.erase(shape.begin() + after);
        for (Strides& list : strides) list.erase(list.begin() + after - 1);
    }
    const std::size_t last = shape.size() - 1;
    const std::int64_t length = shape[last];
    const std::int64_t rows = countOf(shape, 0, last);
    if (rows == 0 || length == 0) return {};
    const std::int64_t pieces = (length + kPiece - 1) / kPiece; // of a row
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t from = i % pieces * kPiece;
            Run<N> run{std::min(kPiece, length - from)};
            for (std::size_t n = 0; n < N; ++n) {
                run.step[n] = strides[n][last];
                run.first[n] = from * run.step[n];
            }
            std::int64_t rest = i / pieces;
            for (std::size_t axis = last; axis-- > 0; rest /= shape[axis])
                for (std::size_t n = 0; n < N; ++n) run.first[n] += rest % shape[axis] * strides[n][axis];
            use(run);
        }
        return {};
    };
    const std::int64_t grain = std::max<std::int64_t>(1, kPiece / length);
    if (order == Order::Any) return parallelChunks(rows * pieces, grain, context, pass);
    for (std::int64_t begin = 0; begin < rows * pieces; begin += grain) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(pass(begin, std::min(begin + grain, rows * pieces)));
    }
    return {};
}

/// The gradient of something of `shape` that was broadcast to the gradient's shape: sums, in double, over repeated
/// axes.
template<class T>
[[nodiscard]] Result<Value> sumTo(const Value& gradient, const Shape& shape, const RunContext& context);

/// The other way: something of a shape that broadcasts to `shape`, repeated.
template<class T>
[[nodiscard]] Result<Value> broadcastTo(const Value& value, const Shape& shape, const RunContext& context);

/// Elements of `source` picked at `first` + index * strides, for the indices of `shape` in row-major order.
template<class T>
[[nodiscard]] Result<Value> gathered(const Value& source, Shape shape, const Strides& strides, std::int64_t first,
                                     const RunContext& context);

/// Calls `use` with a float or a double; Unsupported for other types, which have no gradients.
template<class Use>
auto withReal(DType type, Use&& use) -> decltype(use(float{})) {
    if (type == DType::F32) return use(float{});
    if (type == DType::F64) return use(double{});
    return fail(ErrorCode::Unsupported, "no gradients in {}", info(type).name);
}

template<class T>
[[nodiscard]] Value zeros(const Shape& shape) {
    return makeValue<T>(shape, std::vector<T>(static_cast<std::size_t>(elementCount(shape))));
}

template<class T>
[[nodiscard]] Value narrowed(const Shape& shape, const std::vector<double>& sums) {
    std::vector<T> values(sums.size());
    std::ranges::transform(sums, values.begin(), [](double sum) { return static_cast<T>(sum); });
    return makeValue<T>(shape, std::move(values));
}

/// A matrix in memory; one of the strides is 1.
template<class T>
struct MatrixRef {
    const T* data = nullptr;
    std::int64_t rowStride = 0;
    std::int64_t columnStride = 1;

    [[nodiscard]] MatrixRef transposed() const { return {data, columnStride, rowStride}; }
};

template<class T>
[[nodiscard]] kernels::MatrixProduct<T> sumOfProduct(std::int64_t rows, std::int64_t columns, std::int64_t inner,
                                                     T factor, MatrixRef<T> a, MatrixRef<T> b, T* c,
                                                     std::int64_t stride) {
    const auto spanOf = [](auto* data, std::int64_t down, std::int64_t across, std::int64_t step) {
        const std::int64_t count = down == 0 || across == 0 ? 0 : (down - 1) * step + across;
        return std::span(data, static_cast<std::size_t>(count));
    };
    const auto operand = [&](MatrixRef<T> m, std::int64_t down, std::int64_t across) -> kernels::MatrixOperand<T> {
        if (m.columnStride == 1) return {spanOf(m.data, down, across, m.rowStride), m.rowStride};
        return {spanOf(m.data, across, down, m.columnStride), m.columnStride, true};
    };
    kernels::MatrixProduct<T> product;
    product.rows = rows;
    product.columns = columns;
    product.inner = inner;
    product.left = operand(a, rows, inner);
    product.right = operand(b, inner, columns);
    product.result = spanOf(c, rows, columns, stride);
    product.resultStride = stride;
    product.scale = factor;
    product.accumulate = true;
    return product;
}

/// C (rows x columns, row-major, C's rows `stride` apart) += factor A B, with `inner` columns of A. On all cores.
template<class T>
[[nodiscard]] Result<void> addProduct(std::int64_t rows, std::int64_t columns, std::int64_t inner, T factor,
                                      MatrixRef<T> a, MatrixRef<T> b, T* c, std::int64_t stride,
                                      const RunContext& context) {
    return kernels::multiply(sumOfProduct(rows, columns, inner, factor, a, b, c, stride), context);
}

/// The same on the calling thread, for small ones inside a parallel loop.
template<class T>
void addSmallProduct(std::int64_t rows, std::int64_t columns, std::int64_t inner, T factor, MatrixRef<T> a,
                     MatrixRef<T> b, T* c, std::int64_t stride, kernels::Scratch<T>& scratch) {
    kernels::multiplyHere(sumOfProduct(rows, columns, inner, factor, a, b, c, stride), scratch);
}

} // namespace qscope::engine::nn::backward
