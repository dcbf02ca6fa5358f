// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

namespace qscope::engine::nn::backward {

namespace {

/// y = n s + b with n = (x - mean) r over rows, r = 1 / sqrt(variance + epsilon); without the mean for RMS.
/// dx = r (dn - mean(dn) - n mean(dn n)) where dn = dy s; ds sums dy n, db sums dy.
template<class T, bool centred>
Result<InputGradients> normalized(const BackwardStep& step) {
    for (std::size_t i = 1; i < step.outputGradients.size(); ++i)
        if (step.outputGradients[i])
            return fail(ErrorCode::Unsupported, "the mean and deviation of {} have no gradient", step.node.op->name);
    const Value& x = *step.inputs[0];
    const Value& dy = *step.outputGradients[0];
    const Shape& shape = x.shape();
    const auto axis = axisOf(attributeOr<std::int64_t>(step.node, "axis", -1), shape.size());
    const std::int64_t size = countOf(shape, axis, shape.size());
    const std::int64_t rows = countOf(shape, 0, axis);
    const double epsilon = attributeOr(step.node, "epsilon", 1e-5);
    const Shape inner(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
    QSCOPE_TRY(const Value factors, broadcastTo<T>(*step.inputs[1], inner, step.run));
    const T* scale = elements<T>(factors).data();
    const T* from = elements<T>(x).data();
    const T* arrived = elements<T>(dy).data();
    const auto n = static_cast<double>(size);

    std::vector<T> dx(elements<T>(x).size());
    std::vector<T> dScale(step.wanted[1] ? dx.size() : 0); // dy n, before the sum over rows
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, size));
    QSCOPE_CHECK(parallelChunks(rows, grain, step.run, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<double> unit(static_cast<std::size_t>(size));
        std::vector<double> dUnit(unit.size());
        for (std::int64_t row = begin; row < end; ++row) {
            const T* values = from + row * size;
            const T* back = arrived + row * size;
            double mean = 0;
            if constexpr (centred) {
                for (std::int64_t i = 0; i < size; ++i) mean += static_cast<double>(values[i]);
                mean /= n;
            }
            double square = 0;
            for (std::size_t i = 0; i < unit.size(); ++i) {
                unit[i] = static_cast<double>(values[i]) - mean;
                square += unit[i] * unit[i];
            }
            const double r = 1 / std::sqrt(square / n + epsilon);
            double sum = 0;
            double along = 0;
            for (std::size_t i = 0; i < unit.size(); ++i) {
                unit[i] *= r;
                dUnit[i] = static_cast<double>(back[i]) * static_cast<double>(scale[i]);
                sum += dUnit[i];
                along += dUnit[i] * unit[i];
            }
            const auto at = static_cast<std::size_t>(row * size);
            for (std::size_t i = 0; i < unit.size(); ++i)
                dx[at + i] = static_cast<T>(r * (dUnit[i] - (centred ? sum / n : 0) - unit[i] * along / n));
            if (!dScale.empty())
                for (std::size_t i = 0; i < unit.size(); ++i)
                    dScale[at + i] = static_cast<T>(static_cast<double>(back[i]) * unit[i]);
        }
        return {};
    }));
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) result[0] = makeValue<T>(shape, std::move(dx));
    if (step.wanted[1]) {
        QSCOPE_TRY(result[1], sumTo<T>(makeValue<T>(shape, std::move(dScale)), step.inputs[1]->shape(), step.run));
    }
    if (step.inputs.size() > 2 && step.wanted[2]) {
        QSCOPE_TRY(result[2], sumTo<T>(dy, step.inputs[2]->shape(), step.run));
    }
    return result;
}

/// Inference: y = (x - mean) r scale + bias per channel, r = 1 / sqrt(variance + epsilon).
template<class T>
Result<InputGradients> batchNormalization(const BackwardStep& step) {
    if (attributeOr<std::int64_t>(step.node, "training_mode", 0) != 0)
        return fail(ErrorCode::Unsupported, "BatchNormalization in training mode has no gradient");
    const Value& x = *step.inputs[0];
    const Shape& shape = x.shape();
    const auto parameters = [&](std::size_t i) { return elements<T>(*step.inputs[i]); };
    const std::int64_t channels = static_cast<std::int64_t>(parameters(1).size());
    const std::int64_t inner = shape.size() < 2 ? 1 : countOf(shape, 2, shape.size());
    const double epsilon = attributeOr(step.node, "epsilon", 1e-5);
    const T* from = elements<T>(x).data();
    const T* back = elements<T>(*step.outputGradients[0]).data();
    std::vector<T> dx(elements<T>(x).size());
    const std::int64_t batches = channels * inner == 0 ? 0 : static_cast<std::int64_t>(dx.size()) / (channels * inner);
    std::vector<std::vector<T>> sums(4, std::vector<T>(static_cast<std::size_t>(channels)));
    QSCOPE_CHECK(parallelChunks(channels, 1, step.run, [&](std::int64_t channel, std::int64_t) -> Result<void> {
        const auto c = static_cast<std::size_t>(channel);
        const auto scale = static_cast<double>(parameters(1)[c]);
        const auto mean = static_cast<double>(parameters(3)[c]);
        const double r = 1 / std::sqrt(static_cast<double>(parameters(4)[c]) + epsilon);
        double sum = 0;
        double along = 0; // dy n
        for (std::int64_t batch = 0; batch < batches; ++batch)
            for (std::int64_t i = 0; i < inner; ++i) {
                const auto at = static_cast<std::size_t>((batch * channels + channel) * inner + i);
                const auto arrived = static_cast<double>(back[at]);
                sum += arrived;
                along += arrived * (static_cast<double>(from[at]) - mean) * r;
                dx[at] = static_cast<T>(arrived * r * scale);
            }
        sums[0][c] = static_cast<T>(along);
        sums[1][c] = static_cast<T>(sum);
        sums[2][c] = static_cast<T>(-sum * r * scale);
        sums[3][c] = static_cast<T>(-0.5 * along * r * r * scale);
        return {};
    }));
    InputGradients result(5);
    if (step.wanted[0]) result[0] = makeValue<T>(shape, std::move(dx));
    for (std::size_t i = 1; i < 5; ++i)
        if (step.wanted[i]) result[i] = makeValue<T>({channels}, std::move(sums[i - 1]));
    return result;
}

constexpr std::array kNormalization{
    Gradient{"BatchNormalization", batchNormalization<float>, batchNormalization<double>},
    Gradient{"LayerNormalization", normalized<float, true>, normalized<double, true>},
    Gradient{"RMSNormalization", normalized<float, false>, normalized<double, false>},
};

} // namespace

std::span<const Gradient> normalizationGradients() { return kNormalization; }

} // namespace qscope::engine::nn::backward
