// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

namespace qscope::engine::nn::backward {

namespace {

/// dy times a slope dy/da or dy/db of the two operands' elements.
struct Slopes {
    double (*left)(double a, double b);
    double (*right)(double a, double b);
};

template<class T>
Result<std::optional<Value>> throughSlope(const BackwardStep& step, const Value& a, const Value& b,
                                          double (*slope)(double, double), const Shape& shape) {
    const Value& dy = *step.outputGradients[0];
    const T* left = elements<T>(a).data();
    const T* right = elements<T>(b).data();
    const T* arrived = elements<T>(dy).data();
    std::vector<T> full(elements<T>(dy).size());
    const std::array strides{rowMajor(dy.shape()), broadcastStrides(a.shape(), dy.shape()),
                             broadcastStrides(b.shape(), dy.shape())};
    QSCOPE_CHECK(walk<3>(dy.shape(), strides, Order::Any, step.run, [&](const Run<3>& run) {
        for (std::int64_t i = 0; i < run.count; ++i) {
            const std::int64_t at = run.first[0] + i * run.step[0];
            const auto one = static_cast<double>(left[run.first[1] + i * run.step[1]]);
            const auto other = static_cast<double>(right[run.first[2] + i * run.step[2]]);
            full[static_cast<std::size_t>(at)] = static_cast<T>(static_cast<double>(arrived[at]) * slope(one, other));
        }
    }));
    QSCOPE_TRY(Value sum, sumTo<T>(makeValue<T>(dy.shape(), std::move(full)), shape, step.run));
    return std::optional(std::move(sum));
}

constexpr Slopes kSub{[](double, double) { return 1.0; }, [](double, double) { return -1.0; }};
constexpr Slopes kMul{[](double, double b) { return b; }, [](double a, double) { return a; }};
constexpr Slopes kDiv{[](double, double b) { return 1 / b; }, [](double a, double b) { return -a / (b * b); }};
// Of 0^b with respect to b: 0 for b > 0, its limit.
constexpr Slopes kPow{[](double a, double b) { return b == 0 ? 0 : b * std::pow(a, b - 1); },
                      [](double a, double b) { return a == 0 ? 0 : std::pow(a, b) * std::log(a); }};

constexpr Slopes kPRelu{[](double a, double b) { return a < 0 ? b : 1; },
                        [](double a, double) { return a < 0 ? a : 0; }};

template<class T, const Slopes& slopes>
Result<InputGradients> binary(const BackwardStep& step) {
    const Value& a = *step.inputs[0];
    // Pow allows exponents of another type.
    QSCOPE_TRY(const Value b, converted(*step.inputs[1], kDTypeOf<T>));
    InputGradients result(2);
    if (step.wanted[0]) {
        QSCOPE_TRY(result[0], throughSlope<T>(step, a, b, slopes.left, a.shape()));
    }
    if (step.wanted[1]) {
        QSCOPE_TRY(result[1], throughSlope<T>(step, a, b, slopes.right, b.shape()));
    }
    return result;
}

/// Add and Sum: the same for every operand; Mean: a share.
template<class T, bool mean>
Result<InputGradients> sum(const BackwardStep& step) {
    Value dy = *step.outputGradients[0];
    if constexpr (mean) {
        const auto from = elements<T>(dy);
        std::vector<T> share(from.size());
        std::ranges::transform(from, share.begin(), [&](T x) { return x / static_cast<T>(step.inputs.size()); });
        dy = makeValue<T>(dy.shape(), std::move(share));
    }
    InputGradients result(step.inputs.size());
    for (std::size_t i = 0; i < result.size(); ++i)
        if (step.wanted[i]) {
            QSCOPE_TRY(result[i], sumTo<T>(dy, step.inputs[i]->shape(), step.run));
        }
    return result;
}

/// dy where `mine(i)` holds, for the elements i of the output, summed to `shape`.
template<class T, class Mine>
Result<std::optional<Value>> selected(const BackwardStep& step, const Shape& shape, Mine mine) {
    const Value& dy = *step.outputGradients[0];
    std::vector<T> mineOnly(elements<T>(dy).begin(), elements<T>(dy).end());
    for (std::size_t i = 0; i < mineOnly.size(); ++i)
        if (!mine(i)) mineOnly[i] = 0;
    QSCOPE_TRY(Value sum, sumTo<T>(makeValue<T>(dy.shape(), std::move(mineOnly)), shape, step.run));
    return std::optional(std::move(sum));
}

/// Min and Max: to the first operand that equals the result.
template<class T>
Result<InputGradients> extreme(const BackwardStep& step) {
    const auto y = elements<T>(*step.outputs[0]);
    std::vector<std::uint8_t> taken(y.size(), 0);
    InputGradients result(step.inputs.size());
    for (std::size_t n = 0; n < result.size(); ++n) {
        QSCOPE_TRY(const Value full, broadcastTo<T>(*step.inputs[n], step.outputs[0]->shape(), step.run));
        const auto x = elements<T>(full);
        std::vector<std::uint8_t> mine(y.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            mine[i] = x[i] == y[i] && taken[i] == 0;
            taken[i] |= mine[i];
        }
        if (step.wanted[n]) {
            QSCOPE_TRY(result[n],
                       selected<T>(step, step.inputs[n]->shape(), [&](std::size_t i) { return mine[i] != 0; }));
        }
    }
    return result;
}

/// Inside the limits to x; a limit that holds takes the rest, the upper one when both do.
template<class T>
Result<InputGradients> clip(const BackwardStep& step) {
    const auto x = elements<T>(*step.inputs[0]);
    InputGradients result(step.inputs.size());
    const auto limit = [&](std::size_t n, double otherwise) {
        const bool given = n < step.inputs.size() && step.inputs[n];
        return given ? static_cast<double>(elements<T>(*step.inputs[n])[0]) : otherwise;
    };
    const double low = limit(1, -HUGE_VAL);
    const double high = limit(2, HUGE_VAL);
    const auto holds = [&](std::size_t i) {
        const auto value = static_cast<double>(x[i]);
        return std::max(value, low) > high ? 2U : value < low ? 1U : 0U;
    };
    for (std::size_t n = 0; n < result.size(); ++n)
        if (step.wanted[n]) {
            QSCOPE_TRY(result[n],
                       selected<T>(step, step.inputs[n]->shape(), [&](std::size_t i) { return holds(i) == n; }));
        }
    return result;
}

template<class T>
Result<InputGradients> where(const BackwardStep& step) {
    const Shape& shape = step.outputs[0]->shape();
    Value condition = *step.inputs[0];
    condition.host.dtype = DType::U8;
    std::vector<std::uint8_t> chosen(static_cast<std::size_t>(elementCount(shape)));
    QSCOPE_CHECK(walk<2>(shape, {rowMajor(shape), broadcastStrides(condition.shape(), shape)}, Order::Any, step.run,
                         [&](const Run<2>& run) {
                             for (std::int64_t i = 0; i < run.count; ++i)
                                 chosen[static_cast<std::size_t>(run.first[0] + i * run.step[0])] =
                                     elements<std::uint8_t>(
                                         condition)[static_cast<std::size_t>(run.first[1] + i * run.step[1])];
                         }));
    InputGradients result(3);
    for (const std::size_t n : {std::size_t{1}, std::size_t{2}})
        if (step.wanted[n]) {
            QSCOPE_TRY(result[n], selected<T>(step, step.inputs[n]->shape(),
                                              [&](std::size_t i) { return (chosen[i] != 0) == (n == 1); }));
        }
    return result;
}

constexpr std::array kBinary{
    Gradient{"Add", sum<float, false>, sum<double, false>},
    Gradient{"Clip", clip<float>, clip<double>},
    Gradient{"Div", binary<float, kDiv>, binary<double, kDiv>},
    Gradient{"Max", extreme<float>, extreme<double>},
    Gradient{"Mean", sum<float, true>, sum<double, true>},
    Gradient{"Min", extreme<float>, extreme<double>},
    Gradient{"Mul", binary<float, kMul>, binary<double, kMul>},
    Gradient{"Pow", binary<float, kPow>, binary<double, kPow>},
    Gradient{"PRelu", binary<float, kPRelu>, binary<double, kPRelu>},
    Gradient{"Sub", binary<float, kSub>, binary<double, kSub>},
    Gradient{"Sum", sum<float, false>, sum<double, false>},
    Gradient{"Where", where<float>, where<double>},
};

} // namespace

std::span<const Gradient> binaryGradients() { return kBinary; }

} // namespace qscope::engine::nn::backward
