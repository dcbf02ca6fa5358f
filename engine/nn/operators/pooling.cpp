// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/window.h"

#include <array>
#include <cmath>
#include <limits>

namespace qscope::engine::nn {

namespace {

/// A tap inside the input, and the element that it reads.
struct Tap {
    std::int64_t tap = 0;
    std::int64_t index = 0;
};

/// Calls use(place, taps) for every place of the window, in parallel; `channels`: how often `use` walks the taps.
template<class Use>
Result<void> eachPlace(const Window& window, std::int64_t channels, const RunContext& context, const Use& use) {
    const auto tables = tapTables(window);
    return inParallel(window.outputSize(), window.taps() * (channels + 4), context,
                      [&](std::int64_t begin, std::int64_t end) {
                          std::vector<Tap> taps;
                          for (std::int64_t place = begin; place < end; ++place) {
                              taps.clear();
                              eachTap(window, tables, place, [&](std::int64_t tap, std::int64_t index) {
                                  taps.push_back({tap, index});
                              });
                              use(place, taps);
                          }
                      });
}

Shape pooledShape(const Value& x, const Window& window) {
    Shape shape{x.shape()[0], x.shape()[1]};
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    return shape;
}

/// Index of an element when the spatial axes are stored the other way round.
std::int64_t columnMajor(std::int64_t index, const Shape& sizes) {
    std::int64_t result = 0;
    for (std::size_t axis = sizes.size(); axis-- > 0; index /= sizes[axis])
        result = result * sizes[axis] + index % sizes[axis];
    return result;
}

Outputs maxPool(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Value x, widened(*inputs[0]));
    QSCOPE_TRY(const Window window, windowOf(node, x.shape(), {}));
    const Shape shape = pooledShape(x, window);
    const bool turned = attributeOr<std::int64_t>(node, "storage_order", 0) != 0;
    std::vector<std::int64_t> found;
    if (hasOutput(node, 1)) {
        QSCOPE_TRY(found, makeElements<std::int64_t>(shape));
    }
    QSCOPE_TRY(Value result, withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   using Limits = std::numeric_limits<T>;
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(shape));
                   const std::int64_t channels = shape[0] * shape[1];
                   const std::int64_t inSize = window.inputSize();
                   const std::int64_t outSize = window.outputSize();
                   QSCOPE_CHECK(eachPlace(window, channels, context.run, [&](std::int64_t place, const auto& taps) {
                       for (std::int64_t c = 0; c < channels; ++c) {
                           const T* from = elements<T>(x).data() + c * inSize;
                           T best = Limits::has_infinity ? -Limits::infinity() : Limits::min();
                           std::int64_t at = taps.empty() ? 0 : taps.front().index;
                           for (const Tap& tap : taps)
                               if (from[tap.index] > best || from[tap.index] != from[tap.index]) {
                                   best = from[tap.index];
                                   at = tap.index;
                               }
                           const auto to = static_cast<std::size_t>(c * outSize + place);
                           out[to] = best;
                           if (!found.empty()) found[to] = c * inSize + (turned ? columnMajor(at, window.input) : at);
                       }
                   }));
                   return makeValue(shape, std::move(out));
               }));
    std::vector<Value> outputs(2);
    QSCOPE_TRY(outputs[0], narrowed(std::move(result), inputs[0]->dtype()));
    if (hasOutput(node, 1)) outputs[1] = makeValue(shape, std::move(found));
    return outputs;
}

/// How many taps at a place lie in the input or its padding: a window that hangs over has fewer.
std::int64_t paddedTaps(const Window& window, std::int64_t place) {
    std::int64_t count = 1;
    for (std::size_t axis = window.kernel.size(); axis-- > 0; place /= window.output[axis]) {
        const std::int64_t room = window.input[axis] + window.padEnd[axis] + window.padBegin[axis] -
                                  place % window.output[axis] * window.strides[axis];
        count *= std::min(window.kernel[axis], (room + window.dilations[axis] - 1) / window.dilations[axis]);
    }
    return count;
}

/// `f(from, taps, place)` for each channel.
template<class F>
Outputs poolReal(const Node& node, OperatorInputs inputs, OperatorContext& context, const F& f) {
    const Value& x = *inputs[0];
    QSCOPE_TRY(const Window window, windowOf(node, x.shape(), {}));
    const Shape shape = pooledShape(x, window);
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(shape));
        const std::int64_t channels = shape[0] * shape[1];
        QSCOPE_CHECK(eachPlace(window, channels, context.run, [&](std::int64_t place, const auto& taps) {
            for (std::int64_t c = 0; c < channels; ++c)
                out[static_cast<std::size_t>(c * window.outputSize() + place)] =
                    static_cast<T>(f(elements<T>(x).data() + c * window.inputSize(), taps, window, place));
        }));
        return one(makeValue(shape, std::move(out)));
    });
}

Outputs averagePool(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const bool withPads = attributeOr<std::int64_t>(node, "count_include_pad", 0) != 0;
    return poolReal(node, inputs, context,
                    [&](const auto* from, const std::vector<Tap>& taps, const Window& window, std::int64_t place) {
                        double sum = 0;
                        for (const Tap& tap : taps) sum += static_cast<double>(from[tap.index]);
                        const std::int64_t count = withPads ? paddedTaps(window, place) : std::ssize(taps);
                        return count > 0 ? sum / static_cast<double>(count) : 0;
                    });
}

Outputs lpPool(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const auto p = static_cast<double>(attributeOr<std::int64_t>(node, "p", 2));
    return poolReal(node, inputs, context,
                    [&](const auto* from, const std::vector<Tap>& taps, const Window&, std::int64_t) {
                        double sum = 0;
                        for (const Tap& tap : taps) sum += std::pow(std::abs(static_cast<double>(from[tap.index])), p);
                        return std::pow(sum, 1 / p);
                    });
}

/// One result per channel from all its elements.
template<class F>
Outputs poolAll(const Value& x, OperatorContext& context, const F& f) {
    QSCOPE_CHECK(expectRank(x, 3, 64, "x"));
    Shape shape(x.shape().size(), 1);
    std::copy_n(x.shape().begin(), 2, shape.begin());
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    if (count == 0) return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(x.shape()));
    const std::int64_t size = productOf(x.shape(), 2, x.shape().size());
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(shape));
        QSCOPE_CHECK(inParallel(std::ssize(out), size * 2, context.run, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t c = begin; c < end; ++c)
                out[static_cast<std::size_t>(c)] = static_cast<T>(
                    f(elements<T>(x).subspan(static_cast<std::size_t>(c * size), static_cast<std::size_t>(size))));
        }));
        return one(makeValue(shape, std::move(out)));
    });
}

Outputs globalAveragePool(const Node&, OperatorInputs inputs, OperatorContext& context) {
    return poolAll(*inputs[0], context, [](auto all) {
        double sum = 0;
        for (const auto x : all) sum += static_cast<double>(x);
        return sum / static_cast<double>(all.size());
    });
}

Outputs globalMaxPool(const Node&, OperatorInputs inputs, OperatorContext& context) {
    return poolAll(*inputs[0], context, [](auto all) { return *std::ranges::max_element(all); });
}

Outputs globalLpPool(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const auto p = static_cast<double>(attributeOr<std::int64_t>(node, "p", 2));
    return poolAll(*inputs[0], context, [p](auto all) {
        double sum = 0;
        for (const auto x : all) sum += std::pow(std::abs(static_cast<double>(x)), p);
        return std::pow(sum, 1 / p);
    });
}

constexpr std::array kPooling{
    Operator{"MaxPool", 1, 1, 2, real<maxPool>},
    Operator{"AveragePool", 1, 1, 1, real<averagePool>},
    Operator{"LpPool", 1, 1, 1, real<lpPool>},
    Operator{"GlobalAveragePool", 1, 1, 1, real<globalAveragePool>},
    Operator{"GlobalMaxPool", 1, 1, 1, real<globalMaxPool>},
    Operator{"GlobalLpPool", 1, 1, 1, real<globalLpPool>},
};

} // namespace

std::span<const Operator> poolingOperators() { return kPooling; }

} // namespace qscope::engine::nn
