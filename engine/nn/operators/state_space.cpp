// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/session_slot.h"

#include <array>
#include <cmath>
#include <limits>

// Recurrences of language models without attention. Each channel goes through time on its own.

namespace qscope::engine::nn {

namespace {

/// x [batch, time, channels].
struct Sequence {
    std::int64_t batch = 0, time = 0, channels = 0;
};

Result<Sequence> sequenceOf(const Value& x) {
    QSCOPE_CHECK(expectRank(x, 3, 3, "x"));
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    if (count == 0) return fail(ErrorCode::OutOfRange, "a sequence of shape {} is empty", describe(x.shape()));
    return Sequence{x.shape()[0], x.shape()[1], x.shape()[2]};
}

Result<void> expectLike(OperatorInputs inputs, std::size_t index, const Shape& shape, std::string_view what) {
    QSCOPE_CHECK(expectShape(*inputs[index], shape, what));
    if (inputs[index]->dtype() == inputs[0]->dtype()) return {};
    return fail(ErrorCode::Unsupported, "{} is {}, but x is {}", what, info(inputs[index]->dtype()).name,
                info(inputs[0]->dtype()).name);
}

/// h = exp(delta A) h + delta B x and y = C h + D x, one h of `states` numbers per channel (Gu and Dao, 2023, equations
/// 2 and 4 with the simplified discretization of their code: B is scaled by delta alone).
Outputs selectiveScan(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Sequence n, sequenceOf(*inputs[0]));
    QSCOPE_CHECK(expectRank(*inputs[2], 2, 2, "A"));
    const std::int64_t states = inputs[2]->shape()[1];
    QSCOPE_CHECK(expectLike(inputs, 1, inputs[0]->shape(), "delta"));
    QSCOPE_CHECK(expectLike(inputs, 2, {n.channels, states}, "A"));
    QSCOPE_CHECK(expectLike(inputs, 3, {n.batch, n.time, states}, "B"));
    QSCOPE_CHECK(expectLike(inputs, 4, {n.batch, n.time, states}, "C"));
    QSCOPE_CHECK(expectLike(inputs, 5, {n.channels}, "D"));
    std::vector<Value>* slot = slotOf(node, context);
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const Shape stateShape{n.batch, n.channels, states};
        QSCOPE_TRY(std::vector<T> state, stateOf<T>(slot, 0, stateShape));
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(inputs[0]->shape()));
        const T *x = elements<T>(*inputs[0]).data(), *delta = elements<T>(*inputs[1]).data();
        const T *a = elements<T>(*inputs[2]).data(), *b = elements<T>(*inputs[3]).data();
        const T *c = elements<T>(*inputs[4]).data(), *d = elements<T>(*inputs[5]).data();
        const auto work = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t line = begin; line < end; ++line) {
                const std::int64_t channel = line % n.channels;
                T* h = state.data() + line * states;
                for (std::int64_t t = line / n.channels * n.time; t < (line / n.channels + 1) * n.time; ++t) {
                    const std::int64_t at = t * n.channels + channel;
                    T sum = d[channel] * x[at];
                    for (std::int64_t s = 0; s < states; ++s) {
                        h[s] = std::exp(delta[at] * a[channel * states + s]) * h[s] +
                               delta[at] * b[t * states + s] * x[at];
                        sum += c[t * states + s] * h[s];
                    }
                    y[static_cast<std::size_t>(at)] = sum;
                }
            }
        };
        QSCOPE_CHECK(inParallel(n.batch * n.channels, n.time * (states + 1) * 16, context.run, work));
        if (slot) *slot = {makeValue(stateShape, std::move(state))};
        return one(makeValue(inputs[0]->shape(), std::move(y)));
    });
}

/// y[t] = bias + sum over k of weight[k] x[t - width + 1 + k]; before the first token are zeros, or the session's last.
Outputs causalConv(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Sequence n, sequenceOf(*inputs[0]));
    QSCOPE_CHECK(expectRank(*inputs[1], 2, 2, "the weight"));
    const std::int64_t width = inputs[1]->shape()[1];
    if (width < 1) return fail(ErrorCode::OutOfRange, "a convolution of width {}", width);
    QSCOPE_CHECK(expectLike(inputs, 1, {n.channels, width}, "the weight"));
    if (inputOf(inputs, 2)) QSCOPE_CHECK(expectLike(inputs, 2, {n.channels}, "the bias"));
    std::vector<Value>* slot = slotOf(node, context);
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const Shape pastShape{n.batch, width - 1, n.channels};
        QSCOPE_TRY(const std::vector<T> past, stateOf<T>(slot, 0, pastShape));
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(inputs[0]->shape()));
        const T *x = elements<T>(*inputs[0]).data(), *weight = elements<T>(*inputs[1]).data();
        const T* bias = inputOf(inputs, 2) ? elements<T>(*inputs[2]).data() : nullptr;
        // Token t of an item, where negative ones are in the past.
        const auto token = [&](std::int64_t item, std::int64_t t) {
            return t < 0 ? past.data() + (item * (width - 1) + t + width - 1) * n.channels
                         : x + (item * n.time + t) * n.channels;
        };
        const auto work = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                T* to = y.data() + row * n.channels;
                if (bias) std::copy_n(bias, n.channels, to);
                for (std::int64_t k = 0; k < width; ++k) {
                    const T* from = token(row / n.time, row % n.time - width + 1 + k);
                    for (std::int64_t c = 0; c < n.channels; ++c) to[c] += weight[c * width + k] * from[c];
                }
            }
        };
        QSCOPE_CHECK(inParallel(n.batch * n.time, n.channels * width * 2, context.run, work));
        if (slot) {
            QSCOPE_TRY(std::vector<T> last, makeElements<T>(pastShape));
            for (std::int64_t row = 0; row < n.batch * (width - 1); ++row)
                std::copy_n(token(row / (width - 1), n.time - width + 1 + row % (width - 1)), n.channels,
                            last.data() + row * n.channels);
            *slot = {makeValue(pastShape, std::move(last))};
        }
        return one(makeValue(inputs[0]->shape(), std::move(y)));
    });
}

/// The token before each one; before the first are zeros, or the session's last.
Outputs tokenShift(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Sequence n, sequenceOf(*inputs[0]));
    std::vector<Value>* slot = slotOf(node, context);
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const Shape lastShape{n.batch, n.channels};
        QSCOPE_TRY(std::vector<T> last, stateOf<T>(slot, 0, lastShape));
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(inputs[0]->shape()));
        for (std::int64_t item = 0; item < n.batch; ++item) {
            const T* x = elements<T>(*inputs[0]).data() + item * n.time * n.channels;
            T* to = y.data() + item * n.time * n.channels;
            T* kept = last.data() + item * n.channels;
            std::copy_n(kept, n.channels, to);
            std::copy_n(x, (n.time - 1) * n.channels, to + n.channels);
            std::copy_n(x + (n.time - 1) * n.channels, n.channels, kept);
        }
        if (slot) *slot = {makeValue(lastShape, std::move(last))};
        return one(makeValue(inputs[0]->shape(), std::move(y)));
    });
}

/// Mean of the values so far, weighted by exp(k - decay * distance), the present one by exp(bonus + k) (Peng et al.,
/// 2023, equation 14). Numerator and denominator are kept relative to the largest exponent so far.
Outputs wkv(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Sequence n, sequenceOf(*inputs[0]));
    QSCOPE_CHECK(expectLike(inputs, 1, inputs[0]->shape(), "v"));
    QSCOPE_CHECK(expectLike(inputs, 2, {n.channels}, "the decay"));
    QSCOPE_CHECK(expectLike(inputs, 3, {n.channels}, "the bonus"));
    std::vector<Value>* slot = slotOf(node, context);
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const Shape shape{n.batch, n.channels};
        QSCOPE_TRY(std::vector<T> sums, stateOf<T>(slot, 0, shape));
        QSCOPE_TRY(std::vector<T> weights, stateOf<T>(slot, 1, shape));
        QSCOPE_TRY(std::vector<T> peaks, stateOf<T>(slot, 2, shape, -std::numeric_limits<T>::infinity()));
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(inputs[0]->shape()));
        const T *k = elements<T>(*inputs[0]).data(), *v = elements<T>(*inputs[1]).data();
        const T *decay = elements<T>(*inputs[2]).data(), *bonus = elements<T>(*inputs[3]).data();
        const auto work = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t line = begin; line < end; ++line) {
                const std::int64_t channel = line % n.channels;
                T& sum = sums[static_cast<std::size_t>(line)];
                T& weight = weights[static_cast<std::size_t>(line)];
                T& peak = peaks[static_cast<std::size_t>(line)];
                for (std::int64_t t = 0; t < n.time; ++t) {
                    const std::int64_t at = (line / n.channels * n.time + t) * n.channels + channel;
                    const T own = bonus[channel] + k[at];
                    const T top = std::max(peak, own);
                    const T past = std::exp(peak - top), present = std::exp(own - top);
                    y[static_cast<std::size_t>(at)] = (past * sum + present * v[at]) / (past * weight + present);
                    const T next = std::max(peak - decay[channel], k[at]);
                    const T kept = std::exp(peak - decay[channel] - next), added = std::exp(k[at] - next);
                    sum = kept * sum + added * v[at];
                    weight = kept * weight + added;
                    peak = next;
                }
            }
        };
        QSCOPE_CHECK(inParallel(n.batch * n.channels, n.time * 64, context.run, work));
        if (slot)
            *slot = {makeValue(shape, std::move(sums)), makeValue(shape, std::move(weights)),
                     makeValue(shape, std::move(peaks))};
        return one(makeValue(inputs[0]->shape(), std::move(y)));
    });
}

constexpr std::array kStateSpace{
    Operator{"SelectiveScan", 6, 6, 1, real<selectiveScan>},
    Operator{"CausalConv", 2, 3, 1, real<causalConv>},
    Operator{"TokenShift", 1, 1, 1, real<tokenShift>},
    Operator{"Wkv", 4, 4, 1, real<wkv>},
};

} // namespace

std::span<const Operator> stateSpaceOperators() { return kStateSpace; }

} // namespace qscope::engine::nn
