// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/convolution.h"

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

/// Adds bias[channel] to all elements of each channel of [batch, channels, ...].
template<class T>
Result<void> addBias(std::vector<T>& out, const Shape& shape, const Value* bias, const RunContext& context) {
    if (!bias) return {};
    QSCOPE_CHECK(expectShape(*bias, {shape[1]}, "the bias"));
    if (bias->dtype() != kDTypeOf<T>) return fail(ErrorCode::Unsupported, "the bias is of another type");
    const std::int64_t size = productOf(shape, 2, shape.size());
    return inParallel(shape[0] * shape[1], size, context, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t c = begin; c < end; ++c)
            for (std::int64_t i = 0; i < size; ++i)
                out[static_cast<std::size_t>(c * size + i)] +=
                    elements<T>(*bias)[static_cast<std::size_t>(c % shape[1])];
    });
}

/// Sums of whole numbers wrap around.
template<class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template<class T>
Result<std::vector<T>> convolve(const T* x, const T* weight, const Channels& n, const Window& window,
                                const RunContext& context) {
    QSCOPE_TRY(std::vector<T> out, makeElements<T>(outputShape(n, window)));
    const auto tables = tapTables(window);
    const std::int64_t inSize = window.inputSize();
    const std::int64_t outSize = window.outputSize();
    const std::int64_t taps = window.taps();
    const std::int64_t channels = n.groups * n.out;
    QSCOPE_CHECK(inParallel(
        std::ssize(out) / channels, n.in * taps * channels, context, [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::pair<std::int64_t, std::int64_t>> inside;
            for (std::int64_t at = begin; at < end; ++at) {
                const std::int64_t batch = at / outSize;
                const std::int64_t place = at % outSize;
                inside.clear();
                eachTap(window, tables, place, [&](auto tap, auto index) { inside.emplace_back(tap, index); });
                for (std::int64_t c = 0; c < channels && !context.cancelled(); ++c) {
                    const T* from = x + (batch * n.groups + c / n.out) * n.in * inSize;
                    const T* factor = weight + c * n.in * taps;
                    Sum<T> sum = 0;
                    for (std::int64_t i = 0; i < n.in; ++i, from += inSize, factor += taps)
                        for (const auto& [tap, index] : inside)
                            sum += static_cast<Sum<T>>(from[index]) * static_cast<Sum<T>>(factor[tap]);
                    out[static_cast<std::size_t>((batch * channels + c) * outSize + place)] = static_cast<T>(sum);
                }
            }
        }));
    return out;
}

Outputs conv(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Value product, convolved(node, *inputs[0], *inputs[1], context.run));
    const Value* bias = inputOf(inputs, 2);
    if (!bias) return one(product);
    return withReal(product.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        std::vector<T> out(elements<T>(product).begin(), elements<T>(product).end());
        QSCOPE_CHECK(addBias(out, product.shape(), bias, context.run));
        return one(makeValue(product.shape(), std::move(out)));
    });
}

/// Each element of x spreads over the places that its taps reach.
Outputs convTranspose(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    const Value& weight = *inputs[1];
    QSCOPE_TRY(const Channels n, channelsOf(node, x, weight, true));
    QSCOPE_TRY(const Window window,
               transposedWindowOf(node, x.shape(), Shape(weight.shape().begin() + 2, weight.shape().end())));
    const Shape shape = outputShape(n, window);
    // The same window seen from the other side: it walks over the output, one place per element of the input.
    Window over = window;
    std::swap(over.input, over.output);
    const auto tables = tapTables(over);
    const std::int64_t inSize = window.inputSize();
    const std::int64_t outSize = window.outputSize();
    const std::int64_t taps = window.taps();
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(shape));
        const std::int64_t channels = n.groups * n.out;
        QSCOPE_CHECK(inParallel(
            n.batch * channels, n.in * inSize * taps * 4, context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t c = begin; c < end; ++c) {
                    const std::int64_t group = c % channels / n.out;
                    T* to = out.data() + c * outSize;
                    for (std::int64_t i = 0; i < n.in && !context.run.cancelled(); ++i) {
                        const T* from = elements<T>(x).data() + ((c / channels * n.groups + group) * n.in + i) * inSize;
                        const T* factor = elements<T>(weight).data() + ((group * n.in + i) * n.out + c % n.out) * taps;
                        for (std::int64_t place = 0; place < inSize; ++place)
                            eachTap(over, tables, place, [&](std::int64_t tap, std::int64_t index) {
                                to[index] += from[place] * factor[tap];
                            });
                    }
                }
            }));
        QSCOPE_CHECK(addBias(out, shape, inputOf(inputs, 2), context.run));
        return one(makeValue(shape, std::move(out)));
    });
}

constexpr std::array kConvolution{
    Operator{"Conv", 2, 3, 1, real<conv>},
    Operator{"ConvTranspose", 2, 3, 1, real<convTranspose>},
};

} // namespace

Result<Value> convolved(const Node& node, const Value& x, const Value& weight, const RunContext& context) {
    QSCOPE_TRY(const Channels n, channelsOf(node, x, weight, false));
    QSCOPE_TRY(const Window window, windowOf(node, x.shape(), Shape(weight.shape().begin() + 2, weight.shape().end())));
    return withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, convolve(elements<T>(x).data(), elements<T>(weight).data(), n, window, context));
        return makeValue(outputShape(n, window), std::move(out));
    });
}

std::span<const Operator> convolutionOperators() { return kConvolution; }

} // namespace qscope::engine::nn
