// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/parallel.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace qscope::engine::kernels {

/// Sizes or strides by axis, the last axis changing fastest. Strides are in elements.
using Extents = std::vector<std::int64_t>;

[[nodiscard]] std::int64_t elementsOf(const Extents& shape);
[[nodiscard]] Extents contiguousStrides(const Extents& shape);

/// The shape that both are repeated to by NumPy's rule (aligned at the last axis, a size of 1 repeats), or Unsupported.
[[nodiscard]] Result<Extents> broadcastShape(const Extents& a, const Extents& b);

/// Strides that read contiguous values of `shape` as `target`: 0 along repeated axes. `shape` must broadcast to it.
[[nodiscard]] Extents broadcastStrides(const Extents& shape, const Extents& target);

/// Values read with strides; for elementwise operations on any layout. Negative strides need values that begin earlier
/// than element 0: `origin` is the index of the first element.
template<class T>
struct Strided {
    std::span<const T> values;
    Extents strides;
    std::int64_t origin = 0;
};

/// Contiguous values of `shape`, repeated to `target`.
template<class T>
[[nodiscard]] Strided<T> repeated(std::span<const T> values, const Extents& shape, const Extents& target) {
    return {values, broadcastStrides(shape, target)};
}

namespace detail {

/// A walk over `Operands` arrays in step; axes that are traversed as one in all of them are one axis here.
template<std::size_t Operands>
struct Walk {
    Extents shape;
    std::array<Extents, Operands> strides;
};
void joinAxes(Extents& shape, std::span<Extents> strides);

/// `run(offsets, position, count)` for pieces of [begin, end), in row-major order, none longer than the last axis.
template<std::size_t Operands, class Run>
void forEachRun(const Walk<Operands>& walk, std::int64_t begin, std::int64_t end, const Run& run) {
    const std::size_t axes = walk.shape.size();
    const std::int64_t length = axes == 0 ? 1 : walk.shape.back();
    while (begin < end) {
        std::array<std::int64_t, Operands> offsets{};
        std::int64_t rest = begin;
        for (std::size_t axis = axes; axis-- > 0;) {
            for (std::size_t k = 0; k < Operands; ++k) offsets[k] += rest % walk.shape[axis] * walk.strides[k][axis];
            rest /= walk.shape[axis];
        }
        const std::int64_t count = std::min(length - begin % length, end - begin);
        run(offsets, begin, count);
        begin += count;
    }
}

/// Operand k advances where bit k of Moving is set. Results pass a small buffer, so that they may overwrite an operand
/// and the inner loop still runs in vectors.
template<unsigned Moving, class Out, class Op, std::size_t... I, class... T>
void fastRun(std::index_sequence<I...>, const Op& op, std::int64_t count, Out* out, const T*... in) {
    constexpr std::int64_t kStep = 16;
    std::int64_t i = 0;
    for (; i + kStep <= count; i += kStep) {
        Out buffer[kStep];
        for (std::int64_t k = 0; k < kStep; ++k) buffer[k] = op(in[(Moving >> I & 1u) ? i + k : 0]...);
        for (std::int64_t k = 0; k < kStep; ++k) out[i + k] = buffer[k];
    }
    for (; i < count; ++i) out[i] = op(in[(Moving >> I & 1u) ? i : 0]...);
}

template<unsigned Moving, class Out, class Op, class... T>
void chooseRun(unsigned moving, const Op& op, std::int64_t count, Out* out, const T*... in) {
    if (moving == Moving) return fastRun<Moving>(std::index_sequence_for<T...>{}, op, count, out, in...);
    if constexpr (Moving > 0) chooseRun<Moving - 1>(moving, op, count, out, in...);
}

template<class Out, class Op, std::size_t... I, class... T>
Result<void> applyTo(std::index_sequence<I...>, const Extents& shape, std::span<Out> result, const Op& op,
                     const RunContext& context, const Strided<T>&... operands) {
    constexpr std::size_t kOperands = sizeof...(T);
    Walk<kOperands> walk{shape, {operands.strides...}};
    joinAxes(walk.shape, walk.strides);
    std::array<std::int64_t, kOperands> steps{};
    unsigned moving = 0;
    bool fast = true;
    for (std::size_t k = 0; k < kOperands; ++k) {
        steps[k] = walk.shape.empty() ? 0 : walk.strides[k].back();
        if (steps[k] == 1) moving |= 1u << k;
        fast = fast && (steps[k] == 0 || steps[k] == 1);
    }
    constexpr std::int64_t kGrain = 1 << 15;
    return parallelChunks(
        static_cast<std::int64_t>(result.size()), kGrain, context,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            forEachRun(walk, begin, end, [&](const auto& offsets, std::int64_t position, std::int64_t count) {
                Out* out = result.data() + position;
                const std::tuple<const T*...> in{operands.values.data() + operands.origin + offsets[I]...};
                if (fast) return chooseRun<(1u << kOperands) - 1>(moving, op, count, out, std::get<I>(in)...);
                for (std::int64_t i = 0; i < count; ++i) out[i] = op(std::get<I>(in)[i * steps[I]]...);
            });
            return {};
        });
}

} // namespace detail

/// result[i] = op(operands[i]...) over all positions of `shape`, on all cores; `result` is contiguous. It may be the
/// memory of an operand that is read in the same order.
template<class Out, class Op, class... T>
[[nodiscard]] Result<void> apply(const Extents& shape, std::span<Out> result, const Op& op, const RunContext& context,
                                 const Strided<T>&... operands) {
    assert(static_cast<std::int64_t>(result.size()) == elementsOf(shape));
    return detail::applyTo(std::index_sequence_for<T...>{}, shape, result, op, context, operands...);
}

/// result[i] = op(values[i]).
template<class T, class Out, class Op>
[[nodiscard]] Result<void> applyUnary(std::span<const T> values, std::span<Out> result, const Op& op,
                                      const RunContext& context) {
    return apply(Extents{static_cast<std::int64_t>(values.size())}, result, op, context, Strided<T>{values, {1}});
}

/// result = op(a, b) with both repeated to the shape of the result (see broadcastShape).
template<class T, class Out, class Op>
[[nodiscard]] Result<void> applyBinary(std::span<const T> a, const Extents& aShape, std::span<const T> b,
                                       const Extents& bShape, const Extents& shape, std::span<Out> result, const Op& op,
                                       const RunContext& context) {
    return apply(shape, result, op, context, repeated(a, aShape, shape), repeated(b, bShape, shape));
}

enum class Reduction { Sum, Mean, Product, Max, Min, SumOfSquares, L1, L2, LogSum, LogSumExp };

/// Reduces contiguous values of `shape` over `axes` (each once, in any order); the result holds what remains, in order,
/// whether or not the caller counts the reduced axes as 1. Sums and products in double. Without axes every value is
/// reduced alone. Over nothing: 0 for sums, 1, -inf, inf, and NaN for the mean. NaN spreads, in Max and Min too.
[[nodiscard]] Result<void> reduce(Reduction reduction, std::span<const float> values, const Extents& shape,
                                  std::span<const std::int64_t> axes, std::span<float> result,
                                  const RunContext& context);
[[nodiscard]] Result<void> reduce(Reduction reduction, std::span<const double> values, const Extents& shape,
                                  std::span<const std::int64_t> axes, std::span<double> result,
                                  const RunContext& context);

/// result[i] = table[indices[i]], rows of `width` values. Negative indices count from the end; outside of that
/// OutOfRange, which names the first such place.
template<class T>
[[nodiscard]] Result<void> gatherRows(std::span<const T> table, std::int64_t rows, std::int64_t width,
                                      std::span<const std::int64_t> indices, std::span<T> result,
                                      const RunContext& context) {
    assert(static_cast<std::int64_t>(table.size()) == rows * width &&
           result.size() == indices.size() * static_cast<std::size_t>(width));
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(width, 1));
    return parallelChunks(static_cast<std::int64_t>(indices.size()), grain, context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              for (; begin < end; ++begin) {
                                  std::int64_t row = indices[static_cast<std::size_t>(begin)];
                                  if (row < -rows || row >= rows)
                                      return fail(ErrorCode::OutOfRange,
                                                  "index {} at position {} is outside of {} rows", row, begin, rows);
                                  if (row < 0) row += rows;
                                  const auto source = table.subspan(static_cast<std::size_t>(row * width),
                                                                    static_cast<std::size_t>(width));
                                  std::copy(source.begin(), source.end(), result.begin() + begin * width);
                              }
                              return {};
                          });
}

} // namespace qscope::engine::kernels
