// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/selective_scan.h"
#include "engine/nn/kernels/wkv.h"
#include "engine/nn/operators/session_slot.h"

#include <array>

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
        kernels::SelectiveScan<T> scan;
        scan.batch = n.batch;
        scan.time = n.time;
        scan.channels = n.channels;
        scan.states = states;
        scan.x = elements<T>(*inputs[0]);
        scan.delta = elements<T>(*inputs[1]);
        scan.a = elements<T>(*inputs[2]);
        scan.b = elements<T>(*inputs[3]);
        scan.c = elements<T>(*inputs[4]);
        scan.d = elements<T>(*inputs[5]);
        scan.state = state;
        scan.y = y;
        QSCOPE_CHECK(kernels::selectiveScan(scan, context.run));
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
/// 2023, equation 14).
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
        QSCOPE_TRY(std::vector<T> peaks, stateOf<T>(slot, 2, shape, T{-1e38F}));
        QSCOPE_TRY(std::vector<T> y, makeElements<T>(inputs[0]->shape()));
        std::vector<T> change;
        for (const T decay : elements<T>(*inputs[2])) change.push_back(-decay);
        kernels::Wkv<T> sequence;
        sequence.batch = n.batch;
        sequence.time = n.time;
        sequence.channels = n.channels;
        sequence.key = elements<T>(*inputs[0]);
        sequence.value = elements<T>(*inputs[1]);
        sequence.decay = change;
        sequence.bonus = elements<T>(*inputs[3]);
        sequence.aa = sums;
        sequence.bb = weights;
        sequence.pp = peaks;
        sequence.y = y;
        QSCOPE_CHECK(kernels::wkv(sequence, context.run));
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
