// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/norms.h"
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cmath>

// Normalizations of [batch, channels, ...] with factors per channel, and others that image networks use.

namespace qscope::engine::nn {

namespace {

/// x as [batch, channels, size].
struct Channels {
    std::int64_t batch = 0, channels = 0, size = 0;
};

Result<Channels> channelsOf(const Value& x) {
    QSCOPE_CHECK(expectRank(x, 2, 64, "x"));
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    if (count == 0) return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(x.shape()));
    return Channels{x.shape()[0], x.shape()[1], productOf(x.shape(), 2, x.shape().size())};
}

/// The elements of an input of one number per channel (or group).
template<class T>
Result<std::span<const T>> perChannel(const Value& value, std::int64_t count, std::string_view what) {
    QSCOPE_CHECK(expectShape(value, {count}, what));
    if (value.dtype() != kDTypeOf<T>) return fail(ErrorCode::Unsupported, "{} is of another type than x", what);
    return elements<T>(value);
}

Outputs batchNormalization(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    QSCOPE_TRY(const Channels n, channelsOf(x));
    if (attributeOr<std::int64_t>(node, "training_mode", 0) != 0)
        return fail(ErrorCode::Unsupported, "statistics of batches belong to training, which is not done here");
    const double epsilon = attributeOr(node, "epsilon", 1e-5);
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(const auto scale, perChannel<T>(*inputs[1], n.channels, "the scale"));
        QSCOPE_TRY(const auto bias, perChannel<T>(*inputs[2], n.channels, "the bias"));
        QSCOPE_TRY(const auto mean, perChannel<T>(*inputs[3], n.channels, "the mean"));
        QSCOPE_TRY(const auto variance, perChannel<T>(*inputs[4], n.channels, "the variance"));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        QSCOPE_CHECK(
            inParallel(n.batch * n.channels, n.size * 2, context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) {
                    const auto c = static_cast<std::size_t>(i % n.channels);
                    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
                    const auto factor = static_cast<T>(static_cast<double>(scale[c]) * inverse);
                    const T* from = elements<T>(x).data() + i * n.size;
                    T* to = out.data() + i * n.size;
                    for (std::int64_t k = 0; k < n.size; ++k) to[k] = (from[k] - mean[c]) * factor + bias[c];
                }
            }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

/// Each of `groups` groups of channels by its own moments; `factors`: how many scales there are.
Outputs normalizeGroups(const Node& node, OperatorInputs inputs, OperatorContext& context, const Channels& n,
                        std::int64_t groups, std::int64_t factors) {
    const Value& x = *inputs[0];
    const double epsilon = attributeOr(node, "epsilon", 1e-5);
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(const auto scale, perChannel<T>(*inputs[1], factors, "the scale"));
        QSCOPE_TRY(const auto bias, perChannel<T>(*inputs[2], factors, "the bias"));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        std::vector<T> scales, biases; // repeated per channel
        for (std::int64_t c = 0; c < n.channels; ++c) {
            const auto at = static_cast<std::size_t>(c * factors / n.channels);
            scales.push_back(scale[at]);
            biases.push_back(bias[at]);
        }
        QSCOPE_CHECK(kernels::groupNorm({n.channels, n.size, groups}, elements<T>(x), std::span<T>(out),
                                        std::span<const T>(scales), std::span<const T>(biases), epsilon, context.run));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

Outputs instanceNormalization(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Channels n, channelsOf(*inputs[0]));
    return normalizeGroups(node, inputs, context, n, n.channels, n.channels);
}

/// Scales are per channel since opset 21, per group before.
Outputs groupNormalization(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Channels n, channelsOf(*inputs[0]));
    const auto groups = attributeOr<std::int64_t>(node, "num_groups", 0);
    if (groups < 1 || n.channels % groups != 0)
        return fail(ErrorCode::OutOfRange, "{} channels do not make {} groups", n.channels, groups);
    return normalizeGroups(node, inputs, context, n, groups, node.opset < 21 ? groups : n.channels);
}

/// y = x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta
Outputs localResponse(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    QSCOPE_TRY(const Channels n, channelsOf(x));
    const auto width = attributeOr<std::int64_t>(node, "size", 0);
    if (width < 1 || width > kMaximumElements) return fail(ErrorCode::OutOfRange, "{} neighbouring channels", width);
    const double alpha = attributeOr(node, "alpha", 1e-4) / static_cast<double>(width);
    const double beta = attributeOr(node, "beta", 0.75);
    const double bias = attributeOr(node, "bias", 1.0);
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        const std::int64_t reach = std::min(width, n.channels);
        QSCOPE_CHECK(inParallel(
            n.batch * n.channels, n.size * (reach + 32), context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) {
                    const std::int64_t channel = i % n.channels;
                    const std::int64_t first = std::max<std::int64_t>(0, channel - (width - 1) / 2);
                    const std::int64_t last = std::min(n.channels - 1, channel + width / 2);
                    const T* sample = elements<T>(x).data() + i / n.channels * n.channels * n.size;
                    for (std::int64_t k = 0; k < n.size; ++k) {
                        double sum = 0;
                        for (std::int64_t c = first; c <= last; ++c) {
                            const auto neighbour = static_cast<double>(sample[c * n.size + k]);
                            sum += neighbour * neighbour;
                        }
                        out[static_cast<std::size_t>(i * n.size + k)] = static_cast<T>(
                            static_cast<double>(sample[channel * n.size + k]) / std::pow(bias + alpha * sum, beta));
                    }
                }
            }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

/// Lines along one axis divided by their length; lines of zeros stay.
Outputs lpNormalization(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    const auto p = attributeOr<std::int64_t>(node, "p", 2);
    if (p != 1 && p != 2) return fail(ErrorCode::Unsupported, "the norm of order {} is not done", p);
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", -1), x.shape().size()));
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        if (out.empty()) return one(x);
        const std::int64_t size = x.shape()[axis];
        const std::int64_t inner = productOf(x.shape(), axis + 1, x.shape().size());
        QSCOPE_CHECK(
            inParallel(std::ssize(out) / size, size * 4, context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t line = begin; line < end; ++line) {
                    const std::int64_t first = line / inner * size * inner + line % inner;
                    double sum = 0;
                    for (std::int64_t k = 0; k < size; ++k) {
                        const auto value =
                            static_cast<double>(elements<T>(x)[static_cast<std::size_t>(first + k * inner)]);
                        sum += p == 1 ? std::abs(value) : value * value;
                    }
                    const double length = p == 1 ? sum : std::sqrt(sum);
                    for (std::int64_t k = 0; k < size; ++k) {
                        const auto at = static_cast<std::size_t>(first + k * inner);
                        out[at] = length > 0 ? static_cast<T>(static_cast<double>(elements<T>(x)[at]) / length) : T{0};
                    }
                }
            }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

constexpr std::array kChannelNorms{
    Operator{"BatchNormalization", 5, 5, 1, real<batchNormalization>},
    Operator{"InstanceNormalization", 3, 3, 1, real<instanceNormalization>},
    Operator{"GroupNormalization", 3, 3, 1, real<groupNormalization>},
    Operator{"LRN", 1, 1, 1, real<localResponse>},
    Operator{"LpNormalization", 1, 1, 1, real<lpNormalization>},
};

} // namespace

std::span<const Operator> channelNormOperators() { return kChannelNorms; }

} // namespace qscope::engine::nn
