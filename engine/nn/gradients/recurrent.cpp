// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

// Recurrences over [batch, time, channels], from an empty past. Channels are independent and walked in parallel.

namespace qscope::engine::nn::backward {

namespace {

constexpr std::int64_t kChannels = 32; ///< of a chunk

template<class T>
double wide(T value) {
    return static_cast<double>(value);
}

/// h_t = exp(delta A) h_(t-1) + delta B x, y = C h + D x, for each channel and its states.
template<class T>
Result<InputGradients> selectiveScan(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::int64_t batches = shape[0];
    const std::int64_t time = shape[1];
    const std::int64_t channels = shape[2];
    const std::int64_t states = step.inputs[2]->shape()[1];
    std::array<const T*, 6> in{};
    std::array<std::vector<T>, 6> out;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        if (!step.inputs[i]) continue;
        in[i] = elements<T>(*step.inputs[i]).data();
        out[i].resize(elements<T>(*step.inputs[i]).size());
    }
    const T* back = elements<T>(*step.outputGradients[0]).data();
    const std::int64_t chunks = (channels + kChannels - 1) / kChannels;
    const std::int64_t shared = batches * time * states;                        // elements of B and of C
    std::vector<double> partial(static_cast<std::size_t>(chunks * 2 * shared)); // dB and dC of each chunk
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        double* dB = partial.data() + begin / kChannels * 2 * shared;
        double* dC = dB + shared;
        std::vector<double> history(static_cast<std::size_t>((time + 1) * states)); // h before each token, and the last
        std::vector<double> dState(static_cast<std::size_t>(states));
        std::vector<double> dA(dState.size());
        for (std::int64_t c = begin; c < end; ++c) {
            std::ranges::fill(dA, 0);
            double dD = 0;
            for (std::int64_t batch = 0; batch < batches; ++batch) {
                if (step.run.cancelled()) return cancelled();
                const T* a = in[2] + c * states;
                const T* b = in[3] + batch * time * states;
                const T* readout = in[4] + batch * time * states;
                const auto at = [&](std::int64_t t) { return (batch * time + t) * channels + c; };
                for (std::int64_t t = 0; t < time; ++t)
                    for (std::int64_t n = 0; n < states; ++n)
                        history[static_cast<std::size_t>((t + 1) * states + n)] =
                            std::exp(wide(in[1][at(t)]) * wide(a[n])) *
                                history[static_cast<std::size_t>(t * states + n)] +
                            wide(in[1][at(t)]) * wide(b[t * states + n]) * wide(in[0][at(t)]);
                std::ranges::fill(dState, 0);
                for (std::int64_t t = time; t-- > 0;) {
                    const double x = wide(in[0][at(t)]);
                    const double delta = wide(in[1][at(t)]);
                    const double dy = wide(back[at(t)]);
                    double dx = in[5] ? dy * wide(in[5][c]) : 0;
                    double dDelta = 0;
                    dD += dy * x;
                    for (std::int64_t n = 0; n < states; ++n) {
                        const std::int64_t both = t * states + n;
                        const double decay = std::exp(delta * wide(a[n]));
                        const double before = history[static_cast<std::size_t>(both)];
                        double& d = dState[static_cast<std::size_t>(n)];
                        d += dy * wide(readout[both]);
                        dC[batch * time * states + both] += dy * history[static_cast<std::size_t>(both + states)];
                        dB[batch * time * states + both] += d * delta * x;
                        dx += d * delta * wide(b[both]);
                        dDelta += d * (wide(a[n]) * decay * before + wide(b[both]) * x);
                        dA[static_cast<std::size_t>(n)] += d * delta * decay * before;
                        d *= decay;
                    }
                    out[0][static_cast<std::size_t>(at(t))] = static_cast<T>(dx);
                    out[1][static_cast<std::size_t>(at(t))] = static_cast<T>(dDelta);
                }
            }
            for (std::int64_t n = 0; n < states; ++n)
                out[2][static_cast<std::size_t>(c * states + n)] = static_cast<T>(dA[static_cast<std::size_t>(n)]);
            if (in[5]) out[5][static_cast<std::size_t>(c)] = static_cast<T>(dD);
        }
        return {};
    };
    QSCOPE_CHECK(parallelChunks(channels, kChannels, step.run, pass));
    for (std::size_t i = 0; i < static_cast<std::size_t>(shared); ++i)
        for (const std::size_t which : {std::size_t{0}, std::size_t{1}}) {
            double sum = 0;
            for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
                sum += partial[static_cast<std::size_t>((2 * chunk + static_cast<std::int64_t>(which)) * shared) + i];
            out[3 + which][i] = static_cast<T>(sum);
        }
    InputGradients result(step.inputs.size());
    for (std::size_t i = 0; i < result.size(); ++i)
        if (step.wanted[i]) result[i] = makeValue<T>(step.inputs[i]->shape(), std::move(out[i]));
    return result;
}

/// y_t = bias + sum over k of w_k x_(t - width + 1 + k).
template<class T>
Result<InputGradients> causalConv(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::int64_t time = shape[1];
    const std::int64_t channels = shape[2];
    const std::int64_t width = step.inputs[1]->shape()[1];
    const T* x = elements<T>(*step.inputs[0]).data();
    const T* w = elements<T>(*step.inputs[1]).data();
    const T* back = elements<T>(*step.outputGradients[0]).data();
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    std::vector<T> dw(elements<T>(*step.inputs[1]).size());
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t c = begin; c < end; ++c)
            for (std::int64_t k = 0; k < width; ++k) {
                if (step.run.cancelled()) return cancelled();
                const T factor = w[c * width + k];
                const std::int64_t behind = width - 1 - k;
                double sum = 0;
                for (std::int64_t batch = 0; batch < shape[0]; ++batch)
                    for (std::int64_t t = behind; t < time; ++t) {
                        const std::int64_t at = (batch * time + t) * channels + c;
                        dx[static_cast<std::size_t>(at - behind * channels)] += factor * back[at];
                        sum += wide(back[at]) * wide(x[at - behind * channels]);
                    }
                dw[static_cast<std::size_t>(c * width + k)] = static_cast<T>(sum);
            }
        return {};
    };
    QSCOPE_CHECK(parallelChunks(channels, kChannels, step.run, pass));
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) result[0] = makeValue<T>(shape, std::move(dx));
    if (step.wanted[1]) result[1] = makeValue<T>(step.inputs[1]->shape(), std::move(dw));
    if (step.inputs.size() > 2 && step.wanted[2]) {
        QSCOPE_TRY(result[2], sumTo<T>(*step.outputGradients[0], step.inputs[2]->shape(), step.run));
    }
    return result;
}

/// y_t = x_(t - 1).
template<class T>
Result<InputGradients> tokenShift(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const auto back = elements<T>(*step.outputGradients[0]);
    std::vector<T> dx(back.size());
    const std::int64_t sequence = shape[1] * shape[2];
    for (std::int64_t batch = 0; batch < shape[0] && shape[1] > 0; ++batch)
        std::copy_n(back.begin() + batch * sequence + shape[2], sequence - shape[2], dx.begin() + batch * sequence);
    InputGradients result(1);
    result[0] = makeValue<T>(shape, std::move(dx));
    return result;
}

/// A number m e^e, for sums of exponentials that leave the range of double.
struct Scaled {
    double mantissa = 0;
    double exponent = -HUGE_VAL;
};
Scaled sumOf(Scaled a, Scaled b) {
    const double top = std::max(a.exponent, b.exponent);
    if (top == -HUGE_VAL) return {};
    return {a.mantissa * std::exp(a.exponent - top) + b.mantissa * std::exp(b.exponent - top), top};
}
/// a b; the exponents nearly cancel wherever this is called.
double productOf(Scaled a, Scaled b) {
    return a.mantissa == 0 || b.mantissa == 0 ? 0 : a.mantissa * b.mantissa * std::exp(a.exponent + b.exponent);
}

/// y_t = (a_t + e^(u + k_t) v_t) / (b_t + e^(u + k_t)) with the sums over the past a_(t+1) = e^-w a_t + e^(k_t) v_t and
/// b_(t+1) = e^-w b_t + e^(k_t). Backwards run the gradients of the sums: A_t = p_t + e^-w A_(t+1) with
/// p_t = dy_t / denominator, and B_t = -p_t y_t + e^-w B_(t+1).
template<class T>
Result<InputGradients> wkv(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::int64_t time = shape[1];
    const std::int64_t channels = shape[2];
    std::array<const T*, 4> in{};
    std::array<std::vector<T>, 4> out;
    for (std::size_t i = 0; i < 4; ++i) {
        in[i] = elements<T>(*step.inputs[i]).data();
        out[i].resize(elements<T>(*step.inputs[i]).size());
    }
    const T* made = elements<T>(*step.outputs[0]).data();
    const T* arrived = elements<T>(*step.outputGradients[0]).data();
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<Scaled> tops(static_cast<std::size_t>(time)); // a_t and b_t
        std::vector<Scaled> bottoms(tops.size());
        for (std::int64_t c = begin; c < end; ++c) {
            const double w = wide(in[2][c]);
            const double u = wide(in[3][c]);
            double dw = 0;
            double du = 0;
            for (std::int64_t batch = 0; batch < shape[0]; ++batch) {
                if (step.run.cancelled()) return cancelled();
                const auto at = [&](std::int64_t t) {
                    return static_cast<std::size_t>((batch * time + t) * channels + c);
                };
                Scaled a;
                Scaled b;
                for (std::int64_t t = 0; t < time; ++t) {
                    const auto i = static_cast<std::size_t>(t);
                    tops[i] = a;
                    bottoms[i] = b;
                    const double k = wide(in[0][at(t)]);
                    a = sumOf({a.mantissa, a.exponent - w}, {wide(in[1][at(t)]), k});
                    b = sumOf({b.mantissa, b.exponent - w}, {1, k});
                }
                Scaled dTop; // A_(t + 1) and B_(t + 1)
                Scaled dBottom;
                for (std::int64_t t = time; t-- > 0;) {
                    const auto i = static_cast<std::size_t>(t);
                    const double k = wide(in[0][at(t)]);
                    const double v = wide(in[1][at(t)]);
                    const double y = wide(made[at(t)]);
                    const Scaled own{1, u + k};
                    const Scaled denominator = sumOf(bottoms[i], own);
                    const Scaled p{wide(arrived[at(t)]) / denominator.mantissa, -denominator.exponent};
                    const Scaled past{1, k};
                    const double direct = productOf(p, own);
                    const double bonus = direct * (v - y);
                    out[1][at(t)] = static_cast<T>(direct + productOf(dTop, past));
                    out[0][at(t)] = static_cast<T>(bonus + productOf(dTop, past) * v + productOf(dBottom, past));
                    du += bonus;
                    const Scaled laterTop{dTop.mantissa, dTop.exponent - w};
                    const Scaled laterBottom{dBottom.mantissa, dBottom.exponent - w};
                    dw -= productOf(laterTop, tops[i]) + productOf(laterBottom, bottoms[i]);
                    dTop = sumOf(laterTop, p);
                    dBottom = sumOf(laterBottom, {-p.mantissa * y, p.exponent});
                }
            }
            out[2][static_cast<std::size_t>(c)] = static_cast<T>(dw);
            out[3][static_cast<std::size_t>(c)] = static_cast<T>(du);
        }
        return {};
    };
    QSCOPE_CHECK(parallelChunks(channels, kChannels, step.run, pass));
    InputGradients result(4);
    for (std::size_t i = 0; i < 4; ++i)
        if (step.wanted[i]) result[i] = makeValue<T>(step.inputs[i]->shape(), std::move(out[i]));
    return result;
}

constexpr std::array kRecurrent{
    Gradient{"CausalConv", causalConv<float>, causalConv<double>},
    Gradient{"SelectiveScan", selectiveScan<float>, selectiveScan<double>},
    Gradient{"TokenShift", tokenShift<float>, tokenShift<double>},
    Gradient{"Wkv", wkv<float>, wkv<double>},
};

} // namespace

std::span<const Gradient> recurrentGradients() { return kRecurrent; }

} // namespace qscope::engine::nn::backward
