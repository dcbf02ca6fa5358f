// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/norms.h"
#include "engine/nn/kernels/row_kernels.h"
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cmath>

namespace qscope::engine::nn {

namespace {

/// A tensor as lines along one axis: line (o, i) holds the elements o * size * inner + k * inner + i.
struct Lines {
    std::int64_t outer = 1;
    std::int64_t size = 1;
    std::int64_t inner = 1;
};

Result<Lines> linesOf(const Node& node, const Shape& shape) {
    if (shape.empty()) return Lines{};
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", -1), shape.size()));
    return Lines{productOf(shape, 0, axis), shape[axis], productOf(shape, axis + 1, shape.size())};
}

struct NoKernel {};

/// Calls `line(from, to, size, stride)` for every line; `byRows`: the kernel for lines whose elements lie together.
template<class Line, class Rows>
Outputs alongAxis(const Node& node, const Value& x, const RunContext& context, const Line& line, const Rows& byRows) {
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        if (out.empty()) return one(makeValue(x.shape(), std::move(out)));
        QSCOPE_TRY(const Lines lines, linesOf(node, x.shape()));
        if constexpr (!std::is_same_v<Rows, NoKernel>)
            if (lines.inner == 1) {
                QSCOPE_CHECK(byRows(kernels::Rows<T>{elements<T>(x), out, lines.size}, context));
                return one(makeValue(x.shape(), std::move(out)));
            }
        const T* from = elements<T>(x).data();
        QSCOPE_CHECK(
            inParallel(lines.outer * lines.inner, lines.size * 16, context, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t n = begin; n < end; ++n) {
                    const std::int64_t first = n / lines.inner * lines.size * lines.inner + n % lines.inner;
                    line(from + first, out.data() + first, lines.size, lines.inner);
                }
            }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

/// Largest element, and the sum of exp(x - largest).
template<class T>
std::pair<T, double> peakAndSum(const T* x, std::int64_t size, std::int64_t stride) {
    T largest = x[0];
    for (std::int64_t k = 1; k < size; ++k) largest = std::max(largest, x[k * stride]);
    double sum = 0;
    for (std::int64_t k = 0; k < size; ++k) sum += static_cast<double>(std::exp(x[k * stride] - largest));
    return {largest, sum};
}

Outputs softmax(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    return alongAxis(
        node, *inputs[0], context.run,
        []<class T>(const T* from, T* to, std::int64_t size, std::int64_t stride) {
            const auto [largest, sum] = peakAndSum(from, size, stride);
            for (std::int64_t k = 0; k < size; ++k)
                to[k * stride] = static_cast<T>(std::exp(from[k * stride] - largest) / static_cast<T>(sum));
        },
        [](const auto& rows, const RunContext& run) { return kernels::softmax(rows, run); });
}

Outputs logSoftmax(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    return alongAxis(
        node, *inputs[0], context.run,
        []<class T>(const T* from, T* to, std::int64_t size, std::int64_t stride) {
            const auto [largest, sum] = peakAndSum(from, size, stride);
            for (std::int64_t k = 0; k < size; ++k)
                to[k * stride] = static_cast<T>(from[k * stride] - largest - static_cast<T>(std::log(sum)));
        },
        [](const auto& rows, const RunContext& run) { return kernels::logSoftmax(rows, run); });
}

Outputs hardmax(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    return alongAxis(
        node, *inputs[0], context.run,
        []<class T>(const T* from, T* to, std::int64_t size, std::int64_t stride) {
            std::int64_t best = 0;
            for (std::int64_t k = 1; k < size; ++k)
                if (from[k * stride] > from[best * stride]) best = k;
            to[best * stride] = 1;
        },
        NoKernel{});
}

/// Mean of -log softmax(logits)[target] over the targets that are not below 0.
Outputs crossEntropy(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value& logits = *inputs[0];
    const Value& targets = *inputs[1];
    QSCOPE_CHECK(expectRank(logits, 1, 64, "the logits"));
    QSCOPE_CHECK(expectShape(targets, Shape(logits.shape().begin(), logits.shape().end() - 1), "the targets"));
    QSCOPE_TRY(const std::vector<std::int64_t> classes, integers(targets));
    const std::int64_t count = logits.shape().back();
    std::int64_t used = 0;
    for (const std::int64_t target : classes) {
        if (target >= count) return fail(ErrorCode::OutOfRange, "target {} of {} classes", target, count);
        used += target >= 0;
    }
    if (used == 0) return fail(ErrorCode::OutOfRange, "no target counts, so their mean is not defined");
    return withReal(logits.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const T* all = elements<T>(logits).data();
        std::vector<double> losses(classes.size());
        const auto& row = kernels::rowKernels<T>(kernels::bestInstructionSet());
        QSCOPE_CHECK(inParallel(std::ssize(classes), count * 8, context.run, [&](std::int64_t begin, std::int64_t end) {
            std::vector<T> scratch(static_cast<std::size_t>(count));
            for (std::int64_t i = begin; i < end; ++i) {
                const std::int64_t target = classes[static_cast<std::size_t>(i)];
                if (target < 0) continue;
                const T* from = all + i * count;
                const T largest = row.largest(from, count);
                const double sum = row.exponentials(from, count, largest, scratch.data());
                losses[static_cast<std::size_t>(i)] = std::log(sum) - static_cast<double>(from[target] - largest);
            }
        }));
        double total = 0;
        for (const double loss : losses) total += loss;
        return one(makeValue<T>({}, {static_cast<T>(total / static_cast<double>(used))}));
    });
}

constexpr std::array kSoftmax{
    Operator{"Softmax", 1, 1, 1, real<softmax>},
    Operator{"LogSoftmax", 1, 1, 1, real<logSoftmax>},
    Operator{"Hardmax", 1, 1, 1, real<hardmax>},
    Operator{"CrossEntropy", 2, 2, 1, real<crossEntropy>},
};

} // namespace

std::span<const Operator> softmaxOperators() { return kSoftmax; }

} // namespace qscope::engine::nn
