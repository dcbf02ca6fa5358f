// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>
#include <numbers>

namespace qscope::engine::nn::backward {

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Slopes dy/dx from x and y = f(x), made for a node because some have parameters. Where a function has a corner, the
// slope is that of the side on which it is flat.

constexpr auto kAbs = [](const Node&) { return [](double x, double) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }; };
constexpr auto kCos = [](const Node&) { return [](double x, double) { return -std::sin(x); }; };
constexpr auto kElu = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 1.0)](double x, double y) { return x > 0 ? 1 : y + alpha; };
};
constexpr auto kErf = [](const Node&) {
    return [](double x, double) { return 2 * std::numbers::inv_sqrtpi * std::exp(-x * x); };
};
constexpr auto kExp = [](const Node&) { return [](double, double y) { return y; }; };
constexpr auto kGelu = [](const Node& node) {
    const bool approximate = attributeOr<std::string>(node, "approximate", "none") == "tanh";
    return [approximate](double x, double) {
        if (approximate) {
            const double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
            const double t = std::tanh(c * (x + 0.044715 * x * x * x));
            return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
        }
        const double density = std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
        return 0.5 * std::erfc(-x / std::numbers::sqrt2) + x * density;
    };
};
constexpr auto kHardSigmoid = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 0.2)](double, double y) { return y > 0 && y < 1 ? alpha : 0; };
};
constexpr auto kHardSwish = [](const Node&) {
    return [](double x, double) { return x <= -3 ? 0.0 : x >= 3 ? 1.0 : x / 3 + 0.5; };
};
constexpr auto kLeakyRelu = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 0.01)](double x, double) { return x > 0 ? 1 : alpha; };
};
constexpr auto kLog = [](const Node&) { return [](double x, double) { return 1 / x; }; };
constexpr auto kNeg = [](const Node&) { return [](double, double) { return -1.0; }; };
constexpr auto kReciprocal = [](const Node&) { return [](double, double y) { return -y * y; }; };
constexpr auto kRelu = [](const Node&) { return [](double x, double) { return x > 0 ? 1.0 : 0.0; }; };
constexpr auto kSigmoid = [](const Node&) { return [](double, double y) { return y * (1 - y); }; };
constexpr auto kSin = [](const Node&) { return [](double x, double) { return std::cos(x); }; };
constexpr auto kSoftplus = [](const Node&) { return [](double x, double) { return sigmoid(x); }; };
constexpr auto kSqrt = [](const Node&) { return [](double, double y) { return 0.5 / y; }; };
constexpr auto kSwish = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 1.0)](double x, double y) {
        const double s = sigmoid(alpha * x);
        return s + alpha * y * (1 - s);
    };
};
constexpr auto kAcos = [](const Node&) { return [](double x, double) { return -1 / std::sqrt(1 - x * x); }; };
constexpr auto kAcosh = [](const Node&) { return [](double x, double) { return 1 / std::sqrt(x * x - 1); }; };
constexpr auto kAsin = [](const Node&) { return [](double x, double) { return 1 / std::sqrt(1 - x * x); }; };
constexpr auto kAsinh = [](const Node&) { return [](double x, double) { return 1 / std::sqrt(x * x + 1); }; };
constexpr auto kAtan = [](const Node&) { return [](double x, double) { return 1 / (x * x + 1); }; };
constexpr auto kAtanh = [](const Node&) { return [](double x, double) { return 1 / (1 - x * x); }; };
constexpr auto kCelu = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 1.0)](double x, double y) { return x > 0 ? 1 : y / alpha + 1; };
};
constexpr auto kCosh = [](const Node&) { return [](double x, double) { return std::sinh(x); }; };
constexpr auto kMish = [](const Node&) {
    return [](double x, double) {
        const double t = std::tanh(std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))));
        return t + x * (1 - t * t) * sigmoid(x);
    };
};
constexpr auto kSelu = [](const Node& node) {
    return [alpha = attributeOr(node, "alpha", 1.67326319217681884765625),
            gamma = attributeOr(node, "gamma", 1.05070102214813232421875)](double x, double y) {
        return x > 0 ? gamma : y + alpha * gamma;
    };
};
constexpr auto kSinh = [](const Node&) { return [](double x, double) { return std::cosh(x); }; };
constexpr auto kSoftsign = [](const Node&) {
    return [](double x, double) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); };
};
constexpr auto kTan = [](const Node&) { return [](double, double y) { return y * y + 1; }; };
constexpr auto kTanh = [](const Node&) { return [](double, double y) { return 1 - y * y; }; };

template<class T, auto& makeSlope>
Result<InputGradients> unary(const BackwardStep& step) {
    const auto slope = makeSlope(step.node);
    const auto x = elements<T>(*step.inputs[0]);
    const auto y = elements<T>(*step.outputs[0]);
    const auto dy = elements<T>(*step.outputGradients[0]);
    std::vector<T> dx(x.size());
    QSCOPE_CHECK(
        parallelChunks(static_cast<std::int64_t>(x.size()), 1 << 15, step.run,
                       [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                           for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                               dx[i] = static_cast<T>(static_cast<double>(dy[i]) *
                                                      slope(static_cast<double>(x[i]), static_cast<double>(y[i])));
                           return {};
                       }));
    InputGradients result(step.inputs.size());
    result[0] = makeValue<T>(step.inputs[0]->shape(), std::move(dx));
    return result;
}

template<auto& slope>
constexpr Gradient row(std::string_view op) {
    return {op, unary<float, slope>, unary<double, slope>};
}

constexpr std::array kUnary{
    row<kAbs>("Abs"),
    row<kAcos>("Acos"),
    row<kAcosh>("Acosh"),
    row<kAsin>("Asin"),
    row<kAsinh>("Asinh"),
    row<kAtan>("Atan"),
    row<kAtanh>("Atanh"),
    row<kCelu>("Celu"),
    row<kCos>("Cos"),
    row<kCosh>("Cosh"),
    row<kElu>("Elu"),
    row<kErf>("Erf"),
    row<kExp>("Exp"),
    row<kGelu>("Gelu"),
    row<kHardSigmoid>("HardSigmoid"),
    row<kHardSwish>("HardSwish"),
    row<kLeakyRelu>("LeakyRelu"),
    row<kLog>("Log"),
    row<kMish>("Mish"),
    row<kNeg>("Neg"),
    row<kReciprocal>("Reciprocal"),
    row<kRelu>("Relu"),
    row<kSelu>("Selu"),
    row<kSigmoid>("Sigmoid"),
    row<kSin>("Sin"),
    row<kSinh>("Sinh"),
    row<kSoftplus>("Softplus"),
    row<kSoftsign>("Softsign"),
    row<kSqrt>("Sqrt"),
    row<kSwish>("Swish"),
    row<kTan>("Tan"),
    row<kTanh>("Tanh"),
};

} // namespace

std::span<const Gradient> unaryGradients() { return kUnary; }

} // namespace qscope::engine::nn::backward
