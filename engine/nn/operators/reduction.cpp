// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/elementwise.h"
#include "engine/nn/operators/arguments.h"

#include <array>
#include <limits>

namespace qscope::engine::nn {

namespace {

// Accumulators of whole numbers; sums wrap around.
template<class T>
struct Total {
    std::uint64_t sum = 0;
    void add(T x) { sum += static_cast<std::uint64_t>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(sum); }
};
template<class T>
struct Mean : Total<T> {
    [[nodiscard]] T result(std::int64_t count) const {
        return count == 0 ? T{0} : static_cast<T>(static_cast<T>(this->sum) / static_cast<T>(count));
    }
};
template<class T>
struct Product {
    std::uint64_t product = 1;
    void add(T x) { product *= static_cast<std::uint64_t>(x); }
    [[nodiscard]] T result(std::int64_t) const { return static_cast<T>(product); }
};
template<class T>
struct SumOfSquares : Total<T> {
    void add(T x) { this->sum += static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(x); }
};
template<class T>
struct SumOfMagnitudes : Total<T> {
    void add(T x) { this->sum += x > 0 ? static_cast<std::uint64_t>(x) : ~static_cast<std::uint64_t>(x) + 1; }
};
template<class T>
struct Greatest {
    T best = std::numeric_limits<T>::min();
    void add(T x) { best = std::max(best, x); }
    [[nodiscard]] T result(std::int64_t) const { return best; }
};
template<class T>
struct Least {
    T best = std::numeric_limits<T>::max();
    void add(T x) { best = std::min(best, x); }
    [[nodiscard]] T result(std::int64_t) const { return best; }
};
/// Roots and logarithms are those of real numbers.
template<class T>
struct AsReal {};

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

template<class T>
Result<Value> reducedReal(kernels::Reduction kind, const Value& x, const Shape& shape, const std::vector<bool>& reduce,
                          const ReductionPlan& plan, const RunContext& context) {
    std::vector<std::int64_t> axes;
    for (std::size_t axis = 0; axis < reduce.size(); ++axis)
        if (reduce[axis]) axes.push_back(static_cast<std::int64_t>(axis));
    QSCOPE_TRY(std::vector<T> out, makeElements<T>(plan.shape));
    QSCOPE_CHECK(kernels::reduce(kind, elements<T>(x), shape, axes, std::span<T>(out), context));
    return makeValue(plan.shape, std::move(out));
}

template<class Accumulator, class T>
Result<Value> reducedWhole(const Value& x, const ReductionPlan& plan, const RunContext& context) {
    QSCOPE_TRY(std::vector<T> out, makeElements<T>(plan.shape));
    const auto work = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t n = begin; n < end; ++n) {
            Accumulator sum;
            std::int64_t rest = n;
            const T* from = elements<T>(x).data();
            for (const Group& group : plan.kept) {
                from += rest % group.size * group.stride;
                rest /= group.size;
            }
            if (plan.perResult > 0) addAll(sum, from, plan.reduced, context);
            out[static_cast<std::size_t>(n)] = sum.result(plan.perResult);
        }
    };
    QSCOPE_CHECK(inParallel(std::ssize(out), 2 * plan.perResult + 8, context, work));
    return makeValue(plan.shape, std::move(out));
}

template<kernels::Reduction kind, template<class> class Accumulator>
Outputs reduce(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    constexpr bool kOnlyReal = std::is_same_v<Accumulator<int>, AsReal<int>>;
    QSCOPE_TRY(const std::vector<bool> axes, reducedAxes(node, inputs));
    if (std::ranges::find(axes, true) == axes.end() && !axes.empty()) return one(*inputs[0]);
    QSCOPE_TRY(Value x, widened(*inputs[0]));
    if (kOnlyReal && (x.dtype() == DType::I64 || x.dtype() == DType::U64)) {
        QSCOPE_TRY(x, converted(x, DType::F64));
    }
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    Shape shape = x.shape();
    if (count == 0) // the sizes of an empty tensor may be anything; only those of the result matter
        for (std::size_t axis = 0; axis < shape.size(); ++axis)
            if (axes[axis]) shape[axis] = 0;
    const ReductionPlan plan = planOf(shape, axes, attributeOr<std::int64_t>(node, "keepdims", 1) != 0);
    QSCOPE_CHECK(checkedCount(plan.shape));
    QSCOPE_TRY(Value result, withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   if constexpr (std::is_floating_point_v<T>)
                       return reducedReal<T>(kind, x, shape, axes, plan, context.run);
                   else if constexpr (kOnlyReal)
                       return x;
                   else
                       return reducedWhole<Accumulator<T>, T>(x, plan, context.run);
               }));
    if (kOnlyReal) return one(converted(result, inputs[0]->dtype()));
    return one(narrowed(std::move(result), inputs[0]->dtype()));
}

constexpr std::array kReduction{
    Operator{"ReduceSum", 1, 2, 1, real<reduce<kernels::Reduction::Sum, Total>>},
    Operator{"ReduceMean", 1, 2, 1, real<reduce<kernels::Reduction::Mean, Mean>>},
    Operator{"ReduceProd", 1, 2, 1, real<reduce<kernels::Reduction::Product, Product>>},
    Operator{"ReduceSumSquare", 1, 2, 1, real<reduce<kernels::Reduction::SumOfSquares, SumOfSquares>>},
    Operator{"ReduceL1", 1, 2, 1, real<reduce<kernels::Reduction::L1, SumOfMagnitudes>>},
    Operator{"ReduceL2", 1, 2, 1, real<reduce<kernels::Reduction::L2, AsReal>>},
    Operator{"ReduceLogSum", 1, 2, 1, real<reduce<kernels::Reduction::LogSum, AsReal>>},
    Operator{"ReduceLogSumExp", 1, 2, 1, real<reduce<kernels::Reduction::LogSumExp, AsReal>>},
    Operator{"ReduceMax", 1, 2, 1, real<reduce<kernels::Reduction::Max, Greatest>>},
    Operator{"ReduceMin", 1, 2, 1, real<reduce<kernels::Reduction::Min, Least>>},
};

} // namespace

std::span<const Operator> reductionOperators() { return kReduction; }

} // namespace qscope::engine::nn
