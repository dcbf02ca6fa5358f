// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

namespace qscope::engine::nn::backward {

namespace {

/// Softmax y: dx = y (dy - sum dy y). Its logarithm y: dx = dy - exp(y) sum dy.
template<class T, bool logarithm>
Result<InputGradients> softmax(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::size_t axis = axisOf(attributeOr<std::int64_t>(step.node, "axis", -1), shape.size());
    const std::size_t end = std::min(axis + 1, shape.size());
    const std::int64_t count = countOf(shape, axis, end);
    const std::int64_t inner = countOf(shape, end, shape.size());
    const std::int64_t outer = countOf(shape, 0, axis);
    const T* y = elements<T>(*step.outputs[0]).data();
    const T* dy = elements<T>(*step.outputGradients[0]).data();
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, count));
    QSCOPE_CHECK(
        parallelChunks(outer * inner, grain, step.run, [&](std::int64_t begin, std::int64_t stop) -> Result<void> {
            for (std::int64_t line = begin; line < stop; ++line) {
                const std::int64_t first = line / inner * count * inner + line % inner;
                double sum = 0;
                for (std::int64_t i = first; i < first + count * inner; i += inner)
                    sum += static_cast<double>(dy[i]) * (logarithm ? 1 : static_cast<double>(y[i]));
                for (std::int64_t i = first; i < first + count * inner; i += inner) {
                    const auto arrived = static_cast<double>(dy[i]);
                    const auto made = static_cast<double>(y[i]);
                    dx[static_cast<std::size_t>(i)] =
                        static_cast<T>(logarithm ? arrived - std::exp(made) * sum : made * (arrived - sum));
                }
            }
            return {};
        }));
    InputGradients result(1);
    result[0] = makeValue<T>(shape, std::move(dx));
    return result;
}

/// Mean of -log softmax at the targets: dx = (softmax - one at the target) / count, in rows that have a target.
template<class T>
Result<InputGradients> crossEntropy(const BackwardStep& step) {
    const Value& logits = *step.inputs[0];
    QSCOPE_TRY(const std::vector<std::int64_t> targets,
               integers(reshaped(*step.inputs[1], {elementCount(step.inputs[1]->shape())})));
    const std::int64_t classes = logits.shape().back();
    const auto counted = std::ranges::count_if(targets, [](std::int64_t target) { return target >= 0; });
    const auto arrived = static_cast<double>(elements<T>(*step.outputGradients[0])[0]);
    const double factor = counted == 0 ? 0 : arrived / static_cast<double>(counted);
    const T* x = elements<T>(logits).data();
    std::vector<T> dx(elements<T>(logits).size());
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, classes));
    QSCOPE_CHECK(parallelChunks(
        static_cast<std::int64_t>(targets.size()), grain, step.run,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t row = begin; row < end; ++row) {
                const std::int64_t target = targets[static_cast<std::size_t>(row)];
                if (target < 0) continue;
                const T* from = x + row * classes;
                T* to = dx.data() + row * classes;
                const auto largest = static_cast<double>(*std::max_element(from, from + classes));
                double sum = 0;
                for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(static_cast<double>(from[i]) - largest);
                for (std::int64_t i = 0; i < classes; ++i)
                    to[i] = static_cast<T>(
                        factor * (std::exp(static_cast<double>(from[i]) - largest) / sum - (i == target ? 1 : 0)));
            }
            return {};
        }));
    InputGradients result(2);
    result[0] = makeValue<T>(logits.shape(), std::move(dx));
    return result;
}

constexpr std::array kSoftmax{
    Gradient{"CrossEntropy", crossEntropy<float>, crossEntropy<double>},
    Gradient{"LogSoftmax", softmax<float, true>, softmax<double, true>},
    Gradient{"Softmax", softmax<float, false>, softmax<double, false>},
};

} // namespace

std::span<const Gradient> softmaxGradients() { return kSoftmax; }

} // namespace qscope::engine::nn::backward
