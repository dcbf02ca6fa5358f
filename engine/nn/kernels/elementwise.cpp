// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/elementwise.h"

#include "engine/nn/kernels/row_kernels.h"

#include <cmath>
#include <limits>

namespace qscope::engine::kernels {

std::int64_t elementsOf(const Extents& shape) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    return count;
}

Extents contiguousStrides(const Extents& shape) {
    Extents strides(shape.size());
    std::int64_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        strides[axis] = stride;
        stride *= shape[axis];
    }
    return strides;
}

Result<Extents> broadcastShape(const Extents& a, const Extents& b) {
    Extents shape = a.size() >= b.size() ? a : b;
    const Extents& shorter = a.size() >= b.size() ? b : a;
    const std::size_t lead = shape.size() - shorter.size();
    for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
        std::int64_t& size = shape[lead + axis];
        if (size == shorter[axis] || shorter[axis] == 1) continue;
        if (size != 1)
            return fail(ErrorCode::Unsupported, "shapes do not broadcast: sizes {} and {} meet {} axes from the end",
                        size, shorter[axis], shorter.size() - axis - 1);
        size = shorter[axis];
    }
    return shape;
}

Extents broadcastStrides(const Extents& shape, const Extents& target) {
    assert(shape.size() <= target.size());
    Extents strides(target.size(), 0);
    const Extents own = contiguousStrides(shape);
    const std::size_t lead = target.size() - shape.size();
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        assert(shape[axis] == target[lead + axis] || shape[axis] == 1);
        if (shape[axis] != 1) strides[lead + axis] = own[axis];
    }
    return strides;
}

namespace detail {

void joinAxes(Extents& shape, std::span<Extents> strides) {
    std::size_t kept = 0; // axes [0, kept) are done
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] == 1) continue;
        const bool joins = kept > 0 && std::ranges::all_of(strides, [&](const Extents& s) {
                               return s[kept - 1] == s[axis] * shape[axis];
                           });
        if (joins) {
            shape[kept - 1] *= shape[axis];
            for (Extents& s : strides) s[kept - 1] = s[axis];
        } else {
            shape[kept] = shape[axis];
            for (Extents& s : strides) s[kept] = s[axis];
            ++kept;
        }
    }
    shape.resize(kept);
    for (Extents& s : strides) s.resize(kept);
}

} // namespace detail

namespace {

double startOf(Reduction reduction) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    switch (reduction) {
    case Reduction::Product: return 1;
    case Reduction::Max: return -kInfinity;
    case Reduction::Min: return kInfinity;
    default: return 0;
    }
}

/// The comparisons are written so that NaN, once there, stays.
double addTo(Reduction reduction, double total, double x, double shift) {
    switch (reduction) {
    case Reduction::Product: return total * x;
    case Reduction::Max: return x <= total || total != total ? total : x;
    case Reduction::Min: return x >= total || total != total ? total : x;
    case Reduction::SumOfSquares:
    case Reduction::L2: return total + x * x;
    case Reduction::L1: return total + std::fabs(x);
    case Reduction::LogSumExp: return total + std::exp(x - shift);
    case Reduction::Sum:
    case Reduction::Mean:
    case Reduction::LogSum: break;
    }
    return total + x;
}

double finish(Reduction reduction, double total, double shift, std::int64_t count) {
    switch (reduction) {
    case Reduction::Mean: return total / static_cast<double>(count);
    case Reduction::L2: return std::sqrt(total);
    case Reduction::LogSum: return std::log(total);
    case Reduction::LogSumExp: return shift + std::log(total);
    default: return total;
    }
}

using Lines = detail::Walk<1>;

/// Totals of `count` neighbours in the result, which lie `step` apart in the values.
template<class T>
void total(Reduction reduction, const T* values, const Lines& reduced, std::int64_t step, std::int64_t count,
           const double* shifts, double* totals) {
    const RowKernels<T>& kernels = rowKernels<T>(bestInstructionSet());
    std::fill(totals, totals + count, startOf(reduction));
    const std::int64_t along = reduced.shape.empty() ? 0 : reduced.strides[0].back();
    detail::forEachRun(
        reduced, 0, elementsOf(reduced.shape), [&](const auto& offsets, std::int64_t, std::int64_t length) {
            const T* const first = values + offsets[0];
            const bool sum =
                reduction == Reduction::Sum || reduction == Reduction::Mean || reduction == Reduction::LogSum;
            const bool squares = reduction == Reduction::SumOfSquares || reduction == Reduction::L2;
            if (along == 1 && (sum || squares)) {
                for (std::int64_t j = 0; j < count; ++j)
                    totals[j] +=
                        sum ? kernels.sum(first + j * step, length) : kernels.squares(first + j * step, length, 0);
            } else if (along == 1) {
                for (std::int64_t j = 0; j < count; ++j)
                    for (std::int64_t i = 0; i < length; ++i)
                        totals[j] = addTo(reduction, totals[j], static_cast<double>(first[j * step + i]), shifts[j]);
            } else {
                for (std::int64_t i = 0; i < length; ++i)
                    for (std::int64_t j = 0; j < count; ++j)
                        totals[j] =
                            addTo(reduction, totals[j], static_cast<double>(first[j * step + i * along]), shifts[j]);
            }
        });
}

template<class T>
Result<void> reduceAny(Reduction reduction, std::span<const T> values, const Extents& shape,
                       std::span<const std::int64_t> axes, std::span<T> result, const RunContext& context) {
    Lines kept, reduced;
    const Extents strides = contiguousStrides(shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        Lines& lines = std::ranges::find(axes, static_cast<std::int64_t>(axis)) == axes.end() ? kept : reduced;
        lines.shape.push_back(shape[axis]);
        lines.strides[0].push_back(strides[axis]);
    }
    detail::joinAxes(kept.shape, kept.strides);
    detail::joinAxes(reduced.shape, reduced.strides);
    assert(static_cast<std::int64_t>(values.size()) == elementsOf(shape));
    assert(static_cast<std::int64_t>(result.size()) == elementsOf(kept.shape));
    const std::int64_t terms = elementsOf(reduced.shape), step = kept.shape.empty() ? 0 : kept.strides[0].back();
    constexpr std::int64_t kTogether = 64;
    const std::int64_t grain =
        std::max<std::int64_t>(kTogether, (1 << 15) / std::max<std::int64_t>(terms, 1) / kTogether * kTogether);
    return parallelChunks(
        static_cast<std::int64_t>(result.size()), grain, context,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            detail::forEachRun(kept, begin, end, [&](const auto& offsets, std::int64_t position, std::int64_t length) {
                for (std::int64_t first = 0; first < length; first += kTogether) {
                    const std::int64_t count = std::min(kTogether, length - first);
                    const T* const from = values.data() + offsets[0] + first * step;
                    double totals[kTogether], shifts[kTogether]{};
                    if (reduction == Reduction::LogSumExp) {
                        total(Reduction::Max, from, reduced, step, count, shifts, totals);
                        for (std::int64_t j = 0; j < count; ++j) shifts[j] = std::isinf(totals[j]) ? 0 : totals[j];
                    }
                    total(reduction, from, reduced, step, count, shifts, totals);
                    for (std::int64_t j = 0; j < count; ++j)
                        result[static_cast<std::size_t>(position + first + j)] =
                            static_cast<T>(finish(reduction, totals[j], shifts[j], terms));
                }
            });
            return {};
        });
}

} // namespace

Result<void> reduce(Reduction reduction, std::span<const float> values, const Extents& shape,
                    std::span<const std::int64_t> axes, std::span<float> result, const RunContext& context) {
    return reduceAny(reduction, values, shape, axes, result, context);
}
Result<void> reduce(Reduction reduction, std::span<const double> values, const Extents& shape,
                    std::span<const std::int64_t> axes, std::span<double> result, const RunContext& context) {
    return reduceAny(reduction, values, shape, axes, result, context);
}

} // namespace qscope::engine::kernels
