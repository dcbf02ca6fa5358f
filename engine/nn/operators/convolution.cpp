// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/convolution.h"

#include "engine/nn/kernels/convolution.h"

#include <array>

namespace qscope::engine::nn {

namespace {

struct Channels {
    std::int64_t batch = 0, groups = 0, in = 0, out = 0; ///< in and out: per group
};

/// `transposed`: the weight is [in, out / groups, ...].
Result<Channels> channelsOf(const Node& node, const Value& x, const Value& weight, bool transposed) {
    const Shape& s = x.shape();
    const Shape& w = weight.shape();
    if (s.size() < 3 || w.size() != s.size() || x.dtype() != weight.dtype())
        return fail(ErrorCode::OutOfRange, "a weight of shape {} does not fit an input of shape {}", describe(w),
                    describe(s));
    QSCOPE_TRY(const std::int64_t count, checkedCount(w));
    const auto groups = attributeOr<std::int64_t>(node, "group", 1);
    const std::int64_t outer = w[0];
    if (count == 0 || groups < 1 || outer % groups != 0 || s[1] != (transposed ? outer : w[1] * groups))
        return fail(ErrorCode::OutOfRange, "a weight of shape {} in {} groups does not fit an input of shape {}",
                    describe(w), groups, describe(s));
    if (transposed) return Channels{s[0], groups, outer / groups, w[1]};
    return Channels{s[0], groups, w[1], outer / groups};
}

Shape outputShape(const Channels& channels, const Window& window) {
    Shape shape{channels.batch, channels.groups * channels.out};
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    return shape;
}

kernels::Convolution kernelOf(const Channels& n, const Window& window) {
    return {n.batch,       n.groups * n.in, n.groups * n.out, n.groups,        window.input,
            window.kernel, window.strides,  window.dilations, window.padBegin, window.padEnd};
}

template<class T>
Result<std::span<const T>> biasOf(const Value* bias, const Channels& n) {
    if (!bias) return std::span<const T>{};
    QSCOPE_CHECK(expectShape(*bias, {n.groups * n.out}, "the bias"));
    if (bias->dtype() != kDTypeOf<T>) return fail(ErrorCode::Unsupported, "the bias is of another type");
    return elements<T>(*bias);
}

Outputs conv(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    return one(convolved(node, *inputs[0], *inputs[1], inputOf(inputs, 2), context.run));
}

Outputs convTranspose(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    const Value& weight = *inputs[1];
    QSCOPE_TRY(const Channels n, channelsOf(node, x, weight, true));
    QSCOPE_TRY(const Window window,
               transposedWindowOf(node, x.shape(), Shape(weight.shape().begin() + 2, weight.shape().end())));
    // What the output has beyond the reach of the last window.
    Shape beyond = window.output;
    for (std::size_t axis = 0; axis < beyond.size(); ++axis)
        beyond[axis] -= (window.input[axis] - 1) * window.strides[axis] - window.padBegin[axis] - window.padEnd[axis] +
                        (window.kernel[axis] - 1) * window.dilations[axis] + 1;
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(const auto bias, biasOf<T>(inputOf(inputs, 2), n));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(outputShape(n, window)));
        QSCOPE_CHECK(kernels::convolveTransposed(kernelOf(n, window), beyond, elements<T>(x), elements<T>(weight), bias,
                                                 std::span<T>(out), context.run));
        return one(makeValue(outputShape(n, window), std::move(out)));
    });
}

constexpr std::array kConvolution{
    Operator{"Conv", 2, 3, 1, real<conv>},
    Operator{"ConvTranspose", 2, 3, 1, real<convTranspose>},
};

} // namespace

Result<Value> convolved(const Node& node, const Value& x, const Value& weight, const Value* bias,
                        const RunContext& context) {
    QSCOPE_TRY(const Channels n, channelsOf(node, x, weight, false));
    QSCOPE_TRY(const Window window, windowOf(node, x.shape(), Shape(weight.shape().begin() + 2, weight.shape().end())));
    return withReal(x.dtype(), [&](auto zero) -> Result<Value> {
        using T = decltype(zero);
        QSCOPE_TRY(const auto add, biasOf<T>(bias, n));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(outputShape(n, window)));
        QSCOPE_CHECK(kernels::convolve(kernelOf(n, window), elements<T>(x), elements<T>(weight), add, std::span<T>(out),
                                       context));
        return makeValue(outputShape(n, window), std::move(out));
    });
}

std::span<const Operator> convolutionOperators() { return kConvolution; }

} // namespace qscope::engine::nn
