// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// Rows of `size` values that follow one another. The result may be the values themselves.
template<class T>
struct Rows {
    std::span<const T> values;
    std::span<T> result;
    std::int64_t size = 0;
    InstructionSet instructions = bestInstructionSet();
};

/// y = x / sqrt(mean(x^2) + epsilon) * weight. `weight` of `size` values, or empty for 1. The mean is summed in double.
[[nodiscard]] Result<void> rmsNorm(const Rows<float>& rows, std::span<const float> weight, double epsilon,
                                   const RunContext& context);
[[nodiscard]] Result<void> rmsNorm(const Rows<double>& rows, std::span<const double> weight, double epsilon,
                                   const RunContext& context);

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias with the variance of the row itself (divided by `size`),
/// in two passes, summed in double. `weight` and `bias` of `size` values, or empty for 1 and 0.
[[nodiscard]] Result<void> layerNorm(const Rows<float>& rows, std::span<const float> weight,
                                     std::span<const float> bias, double epsilon, const RunContext& context);
[[nodiscard]] Result<void> layerNorm(const Rows<double>& rows, std::span<const double> weight,
                                     std::span<const double> bias, double epsilon, const RunContext& context);

/// Group normalisation of [batch, channels, inner]: a row is one group of channels of one item, `channels / groups *
/// inner` values; `weight` and `bias` have one value per channel. As many groups as channels: instance normalisation.
struct ChannelGroups {
    std::int64_t channels = 0;
    std::int64_t inner = 0;
    std::int64_t groups = 1; // divides channels
};
[[nodiscard]] Result<void> groupNorm(const ChannelGroups& shape, std::span<const float> values, std::span<float> result,
                                     std::span<const float> weight, std::span<const float> bias, double epsilon,
                                     const RunContext& context);
[[nodiscard]] Result<void> groupNorm(const ChannelGroups& shape, std::span<const double> values,
                                     std::span<double> result, std::span<const double> weight,
                                     std::span<const double> bias, double epsilon, const RunContext& context);

/// e^(x - max) / sum. As the definition has it, a row of -inf alone, or with +inf or NaN in it, gives NaN throughout.
/// (Attention, which masks, has another rule; see attention.h.)
[[nodiscard]] Result<void> softmax(const Rows<float>& rows, const RunContext& context);
[[nodiscard]] Result<void> softmax(const Rows<double>& rows, const RunContext& context);

/// x - (max + log(sum of e^(x - max))), the bracket in double; -inf stays -inf. NaN as for softmax.
[[nodiscard]] Result<void> logSoftmax(const Rows<float>& rows, const RunContext& context);
[[nodiscard]] Result<void> logSoftmax(const Rows<double>& rows, const RunContext& context);

} // namespace qscope::engine::kernels
