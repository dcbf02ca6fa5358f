// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/elementwise.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// A convolution over any number of spatial axes; all lists have one entry per axis.
struct Convolution {
    std::int64_t batch = 1;
    std::int64_t inChannels = 1;
    std::int64_t outChannels = 1;
    std::int64_t groups = 1;
    Extents input; ///< spatial sizes
    Extents kernel;
    Extents strides;
    Extents dilations;
    Extents padsBegin; ///< zeros before; negative crops
    Extents padsEnd;
};

/// Spatial sizes of the result: floor((input + pads - dilation * (kernel - 1) - 1) / stride) + 1. Malformed when the
/// lists differ in length, a size is not positive, or the groups do not divide the channels; Unsupported when the
/// kernel is larger than the padded input.
[[nodiscard]] Result<Extents> convolvedShape(const Convolution& convolution);

/// Spatial sizes of the transposed convolution, of which the `input` is smaller: (input - 1) * stride - pads +
/// dilation * (kernel - 1) + 1 + outputPadding. Errors as above.
[[nodiscard]] Result<Extents> transposedShape(const Convolution& convolution, const Extents& outputPadding);

/// y[n, o, p] = bias[o] + sum over channels c of o's group and kernel positions k of
/// weight[o, c, k] * x[n, c, p * stride - padBegin + k * dilation], zero outside of x. Shapes: x [batch, inChannels,
/// input...], weight [outChannels, inChannels / groups, kernel...], bias [outChannels] or empty, y [batch, outChannels,
/// convolvedShape...]. One channel per group runs directly, everything else as a matrix product over blocks of
/// positions.
[[nodiscard]] Result<void> convolve(const Convolution& convolution, std::span<const float> x,
                                    std::span<const float> weight, std::span<const float> bias, std::span<float> y,
                                    const RunContext& context);
[[nodiscard]] Result<void> convolve(const Convolution& convolution, std::span<const double> x,
                                    std::span<const double> weight, std::span<const double> bias, std::span<double> y,
                                    const RunContext& context);

/// The adjoint: every x[n, c, p] adds weight[c, o, k] * x to y[n, o, p * stride - padBegin + k * dilation]. Shapes:
/// weight [inChannels, outChannels / groups, kernel...], y [batch, outChannels, transposedShape...].
[[nodiscard]] Result<void> convolveTransposed(const Convolution& convolution, const Extents& outputPadding,
                                              std::span<const float> x, std::span<const float> weight,
                                              std::span<const float> bias, std::span<float> y,
                                              const RunContext& context);
[[nodiscard]] Result<void> convolveTransposed(const Convolution& convolution, const Extents& outputPadding,
                                              std::span<const double> x, std::span<const double> weight,
                                              std::span<const double> bias, std::span<double> y,
                                              const RunContext& context);

} // namespace qscope::engine::kernels
