// SPDX-License-Identifier: GPL-3.0-or-later

#include "engine/nn/operators/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace qscope::engine::nn {

namespace {

/// A strict order even when there are NaN: they are above all numbers.
template<class T>
bool below(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
        if (std::isnan(b)) return !std::isnan(a);
    return a < b;
}

template<bool Largest>
Outputs argument(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape& shape = inputs[0]->shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", 0), shape.size()));
    const bool last = attributeOr<std::int64_t>(node, "select_last_index", 0) != 0;
    const AroundAxis around = aroundAxis(shape, axis);
    Shape reduced = shape;
    if (attributeOr<std::int64_t>(node, "keepdims", 1) != 0)
        reduced[axis] = 1;
    else
        reduced.erase(reduced.begin() + static_cast<std::ptrdiff_t>(axis));
    if (around.size == 0 && around.outer * around.inner > 0)
        return fail(ErrorCode::OutOfRange, "axis {} of {} has no elements to choose from", axis, describe(shape));
    QSCOPE_TRY(const Value wide, widened(*inputs[0]));
    return withNumber(wide.dtype(), [&]<class T>(T) -> Outputs {
        const auto numbers = elements<T>(wide);
        std::vector<std::int64_t> found(static_cast<std::size_t>(around.outer * around.inner));
        for (std::size_t i = 0; i < found.size(); ++i) {
            const auto at = static_cast<std::int64_t>(i);
            const T* first = numbers.data() + at / around.inner * around.size * around.inner + at % around.inner;
            for (std::int64_t k = 1; k < around.size; ++k) {
                const T best = first[found[i] * around.inner], next = first[k * around.inner];
                const bool better = Largest ? below(best, next) : below(next, best);
                const bool worse = Largest ? below(next, best) : below(best, next);
                if (better || (last && !worse)) found[i] = k;
            }
        }
        return std::vector{makeValue(reduced, std::move(found))};
    });
}

Outputs topK(const Node& node, OperatorInputs inputs, OperatorContext&) {
    Shape shape = inputs[0]->shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", -1), shape.size()));
    QSCOPE_TRY(const std::int64_t k, integerOf(*inputs[1]));
    const AroundAxis around = aroundAxis(shape, axis);
    if (k < 0 || k > around.size) return fail(ErrorCode::OutOfRange, "{} of {} elements are asked for", k, around.size);
    const bool largest = attributeOr<std::int64_t>(node, "largest", 1) != 0;
    shape[axis] = k;
    QSCOPE_TRY(const Value wide, widened(*inputs[0]));
    return withNumber(wide.dtype(), [&]<class T>(T) -> Outputs {
        QSCOPE_TRY(const std::size_t count, roomFor(shape, sizeof(std::int64_t)));
        const auto numbers = elements<T>(wide);
        std::vector<T> values(count);
        std::vector<std::int64_t> indices(count), order(static_cast<std::size_t>(around.size));
        for (std::int64_t line = 0; line < around.outer * around.inner; ++line) {
            const std::int64_t outer = line / around.inner, inner = line % around.inner;
            const T* first = numbers.data() + outer * around.size * around.inner + inner;
            std::iota(order.begin(), order.end(), 0);
            // Of equal elements the first comes first; always sorted, which `sorted = 0` allows.
            std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](std::int64_t a, std::int64_t b) {
                const T x = first[a * around.inner], y = first[b * around.inner];
                if (below(x, y)) return !largest;
                if (below(y, x)) return largest;
                return a < b;
            });
            for (std::int64_t i = 0; i < k; ++i) {
                const auto to = static_cast<std::size_t>((outer * k + i) * around.inner + inner);
                indices[to] = order[static_cast<std::size_t>(i)];
                values[to] = first[indices[to] * around.inner];
            }
        }
        QSCOPE_TRY(Value chosen, narrowed(makeValue(shape, std::move(values)), inputs[0]->dtype()));
        return std::vector{std::move(chosen), makeValue(shape, std::move(indices))};
    });
}

Outputs cumSum(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Shape& shape = inputs[0]->shape();
    QSCOPE_TRY(const std::int64_t asked, integerOf(*inputs[1]));
    QSCOPE_TRY(const std::size_t axis, axisAt(asked, shape.size()));
    const bool exclusive = attributeOr<std::int64_t>(node, "exclusive", 0) != 0;
    const bool reverse = attributeOr<std::int64_t>(node, "reverse", 0) != 0;
    const AroundAxis around = aroundAxis(shape, axis);
    QSCOPE_TRY(const Value wide, widened(*inputs[0]));
    return withNumber(wide.dtype(), [&]<class T>(T) -> Outputs {
        // Whole numbers wrap around; floating-point ones are summed in double precision.
        using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
        const auto numbers = elements<T>(wide);
        std::vector<T> sums(numbers.size());
        for (std::int64_t line = 0; sums.size() > 0 && line < around.outer * around.inner; ++line) {
            const std::int64_t first = line / around.inner * around.size * around.inner + line % around.inner;
            Sum sum = 0;
            for (std::int64_t i = 0; i < around.size; ++i) {
                const auto at = static_cast<std::size_t>(first + (reverse ? around.size - 1 - i : i) * around.inner);
                if (exclusive) sums[at] = static_cast<T>(sum);
                sum += static_cast<Sum>(numbers[at]);
                if (!exclusive) sums[at] = static_cast<T>(sum);
            }
        }
        return one(narrowed(makeValue(shape, std::move(sums)), inputs[0]->dtype()));
    });
}

constexpr std::array kOrdering{
    Operator{"ArgMax", 1, 1, 1, argument<true>},
    Operator{"ArgMin", 1, 1, 1, argument<false>},
    Operator{"TopK", 2, 2, 2, topK},
    Operator{"CumSum", 2, 2, 1, cumSum},
};

} // namespace

std::span<const Operator> orderingOperators() { return kOrdering; }

} // namespace qscope::engine::nn
