// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cmath>
#include <limits>

namespace qscope::engine::nn {

namespace {

/// Real elements are summed in double, whole numbers wrap around.
template<class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template<class T>
struct Total {
    Sum<T> sum = 0;
    void add(T x) { sum += static_cast<Sum<T>>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(sum); }
};
template<class T>
struct Mean : Total<T> {
    [[nodiscard]] T result(std::int64_t count) const {
        if constexpr (std::is_floating_point_v<T>)
            return static_cast<T>(this->sum / static_cast<double>(count));
        else
            return count == 0 ? T{0} : static_cast<T>(this->sum) / static_cast<T>(count);
    }
};
template<class T>
struct Product {
    Sum<T> product = 1;
    void add(T x) { product *= static_cast<Sum<T>>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(product); }
};
template<class T>
struct SumOfSquares : Total<T> {
    void add(T x) { this->sum += static_cast<Sum<T>>(x) * static_cast<Sum<T>>(x); }
};
template<class T>
struct SumOfMagnitudes : Total<T> {
    void add(T x) {
        if constexpr (std::is_unsigned_v<T>)
            this->sum += x;
        else
            this->sum += x < 0 ? -static_cast<Sum<T>>(x) : static_cast<Sum<T>>(x);
    }
};
template<class T>
struct Length {
    double sum = 0;
    void add(T x) { sum += static_cast<double>(x) * static_cast<double>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(std::sqrt(sum)); }
};
template<class T>
struct LogOfSum {
    double sum = 0;
    void add(T x) { sum += static_cast<double>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(std::log(sum)); }
};
/// log of the sum of exp(x), kept relative to the largest x so far.
template<class T>
struct LogOfSumOfExp {
    double largest = -std::numeric_limits<double>::infinity();
    double sum = 0;
    void add(T element) {
        const auto x = static_cast<double>(element);
        if (x == -std::numeric_limits<double>::infinity()) return;
        if (x > largest) sum *= std::exp(std::exchange(largest, x) - x);
        sum += std::exp(x - largest);
    }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(largest + std::log(sum)); }
};
template<class T>
struct Greatest {
    T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::min();
    void add(T x) { best = x > best || x != x ? x : best; }
    [[nodiscard]] T result(std::int64_t) const { return best; }
};
template<class T>
struct Least {
    T best = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
    void add(T x) { best = x < best || x != x ? x : best; }
    [[nodiscard]] T result(std::int64_t) const { return best; }
};

/// Neighbouring axes that are kept or reduced together.
struct Group {
    std::int64_t size = 1;
    std::int64_t stride = 1; ///< of the input, in elements
};
struct ReductionPlan {
    Shape shape; ///< of the result
    std::vector<Group> kept;
    std::vector<Group> reduced;
    std::int64_t perResult = 1;
};

ReductionPlan planOf(const Shape& shape, const std::vector<bool>& reduce, bool keepAxes) {
    ReductionPlan plan;
    std::int64_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (reduce[axis]) plan.perResult *= shape[axis];
        if (!reduce[axis] || keepAxes) plan.shape.insert(plan.shape.begin(), reduce[axis] ? 1 : shape[axis]);
        auto& groups = reduce[axis] ? plan.reduced : plan.kept;
        if (!groups.empty() && groups.back().size * groups.back().stride == stride)
            groups.back().size *= shape[axis];
        else
            groups.push_back({shape[axis], stride});
        stride *= shape[axis];
    }
    return plan; // groups innermost first
}

/// Adds all elements under the groups [0, depth) to `sum`; stops between strips when the run is cancelled.
template<class T, class S>
void addAll(S& sum, const T* from, std::span<const Group> groups, const RunContext& context) {
    if (groups.empty()) return sum.add(*from);
    const Group& group = groups.back();
    if (groups.size() > 1) {
        for (std::int64_t i = 0; i < group.size; ++i)
            addAll(sum, from + i * group.stride, groups.first(groups.size() - 1), context);
        return;
    }
    constexpr std::int64_t kStrip = 1 << 20;
    for (std::int64_t begin = 0; begin < group.size && !context.cancelled(); begin += kStrip)
        for (std::int64_t i = begin; i < std::min(group.size, begin + kStrip); ++i) sum.add(from[i * group.stride]);
}

Result<std::vector<bool>> reducedAxes(const Node& node, OperatorInputs inputs) {
    const std::size_t rank = inputs[0]->shape().size();
    std::vector<std::int64_t> axes;
    if (const Value* given = inputOf(inputs, 1)) {
        QSCOPE_TRY(axes, integers(*given));
    }
    std::vector<bool> reduce(rank, axes.empty() && attributeOr<std::int64_t>(node, "noop_with_empty_axes", 0) == 0);
    for (const std::int64_t axis : axes) {
        QSCOPE_TRY(const std::size_t at, axisAt(axis, rank));
        reduce[at] = true;
    }
    return reduce;
}

template<template<class> class Accumulator>
Outputs reduce(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const std::vector<bool> axes, reducedAxes(node, inputs));
    if (std::ranges::find(axes, true) == axes.end() && !axes.empty()) return one(*inputs[0]);
    QSCOPE_TRY(const Value x, widened(*inputs[0]));
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    Shape shape = x.shape();
    if (count == 0) // the sizes of an empty tensor may be anything; only those of the result matter
        for (std::size_t axis = 0; axis < shape.size(); ++axis)
            if (axes[axis]) shape[axis] = 0;
    const ReductionPlan plan = planOf(shape, axes, attributeOr<std::int64_t>(node, "keepdims", 1) != 0);
    QSCOPE_TRY(Value result, withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(plan.shape));
                   const T* all = elements<T>(x).data();
                   const auto work = [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t n = begin; n < end; ++n) {
                           Accumulator<T> sum;
                           std::int64_t rest = n;
                           const T* from = all;
                           if (count > 0)
                               for (const Group& group : plan.kept) {
                                   from += rest % group.size * group.stride;
                                   rest /= group.size;
                               }
                           if (plan.perResult > 0) addAll(sum, from, plan.reduced, context.run);
                           out[static_cast<std::size_t>(n)] = sum.result(plan.perResult);
                       }
                   };
                   QSCOPE_CHECK(inParallel(std::ssize(out), 2 * plan.perResult + 8, context.run, work));
                   return makeValue(plan.shape, std::move(out));
               }));
    return one(narrowed(std::move(result), inputs[0]->dtype()));
}

constexpr std::array kReduction{
    Operator{"ReduceSum", 1, 2, 1, real<reduce<Total>>},
    Operator{"ReduceMean", 1, 2, 1, real<reduce<Mean>>},
    Operator{"ReduceProd", 1, 2, 1, real<reduce<Product>>},
    Operator{"ReduceSumSquare", 1, 2, 1, real<reduce<SumOfSquares>>},
    Operator{"ReduceL1", 1, 2, 1, real<reduce<SumOfMagnitudes>>},
    Operator{"ReduceL2", 1, 2, 1, real<reduce<Length>>},
    Operator{"ReduceLogSum", 1, 2, 1, real<reduce<LogOfSum>>},
    Operator{"ReduceLogSumExp", 1, 2, 1, real<reduce<LogOfSumOfExp>>},
    Operator{"ReduceMax", 1, 2, 1, real<reduce<Greatest>>},
    Operator{"ReduceMin", 1, 2, 1, real<reduce<Least>>},
};

} // namespace

std::span<const Operator> reductionOperators() { return kReduction; }

} // namespace qscope::engine::nn
