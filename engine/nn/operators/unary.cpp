// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/vector_math.h"
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cmath>
#include <limits>

// Functions of one element: f(x), or f(x, alpha, beta) with the node's attributes.

namespace qscope::engine::nn {

namespace {

/// Defaults of the attributes "alpha" and "beta" of an activation.
struct Attributes {
    double alpha = 0;
    double beta = 0;
};

template<class F>
Outputs mapReal(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const F f{};
        const auto alpha = static_cast<T>(attributeOr(node, "alpha", F::defaults.alpha));
        const auto beta = static_cast<T>(attributeOr(node, F::kBeta, F::defaults.beta));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        const T* from = elements<T>(x).data();
        QSCOPE_CHECK(inParallel(std::ssize(out), 16, context.run, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) out[static_cast<std::size_t>(i)] = f(from[i], alpha, beta);
        }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

/// With the kernel's vectors.
template<kernels::Function function>
Outputs evaluated(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        QSCOPE_CHECK(kernels::evaluate(function, elements<T>(x), std::span<T>(out), context.run));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

/// The same for all numbers, in what `widened` makes of them.
template<class F>
Outputs mapNumber(const Node&, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Value x, widened(*inputs[0]));
    QSCOPE_TRY(Value result, withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   const F f{};
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
                   const T* from = elements<T>(x).data();
                   QSCOPE_CHECK(inParallel(std::ssize(out), 4, context.run, [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t i = begin; i < end; ++i) out[static_cast<std::size_t>(i)] = f(from[i]);
                   }));
                   return makeValue(x.shape(), std::move(out));
               }));
    QSCOPE_TRY(result, narrowed(std::move(result), inputs[0]->dtype()));
    return one(std::move(result));
}

/// Base of the functions of real elements.
struct Plain {
    static constexpr Attributes defaults{};
    static constexpr std::string_view kBeta = "beta";
};

#define QSCOPE_FUNCTION(Name, expression)                                                                              \
    struct Name : Plain {                                                                                              \
        template<class T>                                                                                              \
        T operator()(T x, T, T) const {                                                                                \
            return expression;                                                                                         \
        }                                                                                                              \
    }

QSCOPE_FUNCTION(Sqrt, std::sqrt(x));
QSCOPE_FUNCTION(Reciprocal, 1 / x);
QSCOPE_FUNCTION(Log, std::log(x));
QSCOPE_FUNCTION(Sin, std::sin(x));
QSCOPE_FUNCTION(Cos, std::cos(x));
QSCOPE_FUNCTION(Tan, std::tan(x));
QSCOPE_FUNCTION(Asin, std::asin(x));
QSCOPE_FUNCTION(Acos, std::acos(x));
QSCOPE_FUNCTION(Atan, std::atan(x));
QSCOPE_FUNCTION(Sinh, std::sinh(x));
QSCOPE_FUNCTION(Cosh, std::cosh(x));
QSCOPE_FUNCTION(Asinh, std::asinh(x));
QSCOPE_FUNCTION(Acosh, std::acosh(x));
QSCOPE_FUNCTION(Atanh, std::atanh(x));
QSCOPE_FUNCTION(Floor, std::floor(x));
QSCOPE_FUNCTION(Ceil, std::ceil(x));
QSCOPE_FUNCTION(Round, std::nearbyint(x));
// 1 / (1 + exp(-x)) without overflow on either side.
QSCOPE_FUNCTION(Sigmoid, x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)));
QSCOPE_FUNCTION(Softplus, std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x))));
QSCOPE_FUNCTION(Softsign, x / (1 + std::abs(x)));
QSCOPE_FUNCTION(Mish, std::tanh(Softplus{}(x, x, x)) * x);
QSCOPE_FUNCTION(HardSwish, std::clamp(x / 6 + T{0.5}, T{0}, T{1}) * x);

#undef QSCOPE_FUNCTION

#define QSCOPE_ACTIVATION(Name, alphaDefault, beta_, betaDefault, expression)                                          \
    struct Name {                                                                                                      \
        static constexpr Attributes defaults{alphaDefault, betaDefault};                                               \
        static constexpr std::string_view kBeta = beta_;                                                               \
        template<class T>                                                                                              \
        T operator()(T x, T alpha, T beta) const {                                                                     \
            return static_cast<void>(alpha), static_cast<void>(beta), expression;                                      \
        }                                                                                                              \
    }

QSCOPE_ACTIVATION(LeakyRelu, 0.01, "", 0, x < 0 ? alpha * x : x);
QSCOPE_ACTIVATION(ThresholdedRelu, 1, "", 0, x > alpha ? x : T{0});
QSCOPE_ACTIVATION(Elu, 1, "", 0, x < 0 ? alpha * std::expm1(x) : x);
QSCOPE_ACTIVATION(Celu, 1, "", 0, std::max(x, T{0}) + std::min(T{0}, alpha* std::expm1(x / alpha)));
QSCOPE_ACTIVATION(Selu, 1.67326319217681884765625, "gamma", 1.05070102214813232421875,
                  x > 0 ? beta * x : beta * alpha * std::expm1(x));
QSCOPE_ACTIVATION(HardSigmoid, 0.2, "beta", 0.5, std::clamp(alpha* x + beta, T{0}, T{1}));
QSCOPE_ACTIVATION(Swish, 1, "", 0, Sigmoid{}(x* alpha, x, x) * x);

#undef QSCOPE_ACTIVATION

Outputs gelu(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const std::string approximate = attributeOr<std::string>(node, "approximate", "none");
    if (approximate == "none") return evaluated<kernels::Function::Gelu>(node, inputs, context);
    if (approximate == "tanh") return evaluated<kernels::Function::GeluTanh>(node, inputs, context);
    return fail(ErrorCode::Unsupported, "the approximation '{}' is not known", approximate);
}

Outputs swish(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    if (attributeOr(node, "alpha", 1.0) == 1) return evaluated<kernels::Function::Silu>(node, inputs, context);
    return mapReal<Swish>(node, inputs, context);
}

Outputs shrink(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const auto border = static_cast<T>(attributeOr(node, "lambd", 0.5));
        const auto bias = static_cast<T>(attributeOr(node, "bias", 0.0));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        const T* from = elements<T>(x).data();
        QSCOPE_CHECK(inParallel(std::ssize(out), 4, context.run, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const T value = from[i];
                out[static_cast<std::size_t>(i)] = value < -border  ? value + bias
                                                   : value > border ? value - bias
                                                                    : T{0};
            }
        }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

struct Negate {
    template<class T>
    T operator()(T x) const {
        if constexpr (std::is_integral_v<T>)
            return static_cast<T>(~static_cast<std::uint64_t>(x) + 1); // the least integer stays itself
        else
            return -x;
    }
};
struct Absolute {
    template<class T>
    T operator()(T x) const {
        if constexpr (std::is_unsigned_v<T>)
            return x;
        else if constexpr (std::is_integral_v<T>)
            return x < 0 ? Negate{}(x) : x;
        else
            return std::abs(x);
    }
};
struct Relu {
    template<class T>
    T operator()(T x) const {
        return x > 0 || x != x ? x : T{0};
    }
};
struct Sign {
    template<class T>
    T operator()(T x) const {
        if (x > 0) return T{1};
        if constexpr (std::is_signed_v<T>)
            if (x < 0) return T{-1};
        return T{0};
    }
};

template<class F>
Outputs questionReal(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& x = *inputs[0];
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        QSCOPE_TRY(std::vector<std::uint8_t> out, makeElements<std::uint8_t>(x.shape()));
        std::ranges::transform(elements<decltype(zero)>(x), out.begin(),
                               [&](auto value) { return static_cast<std::uint8_t>(F{}(node, value)); });
        return one(makeBools(x.shape(), std::move(out)));
    });
}
struct IsNan {
    template<class T>
    bool operator()(const Node&, T x) const {
        return std::isnan(x);
    }
};
struct IsInf {
    template<class T>
    bool operator()(const Node& node, T x) const {
        return std::isinf(x) && attributeOr<std::int64_t>(node, x > 0 ? "detect_positive" : "detect_negative", 1) != 0;
    }
};

constexpr std::array kUnary{
    Operator{"Sqrt", 1, 1, 1, real<mapReal<Sqrt>>},
    Operator{"Reciprocal", 1, 1, 1, real<mapReal<Reciprocal>>},
    Operator{"Exp", 1, 1, 1, real<evaluated<kernels::Function::Exp>>},
    Operator{"Log", 1, 1, 1, real<mapReal<Log>>},
    Operator{"Erf", 1, 1, 1, real<evaluated<kernels::Function::Erf>>},
    Operator{"Tanh", 1, 1, 1, real<evaluated<kernels::Function::Tanh>>},
    Operator{"Sin", 1, 1, 1, real<mapReal<Sin>>},
    Operator{"Cos", 1, 1, 1, real<mapReal<Cos>>},
    Operator{"Tan", 1, 1, 1, real<mapReal<Tan>>},
    Operator{"Asin", 1, 1, 1, real<mapReal<Asin>>},
    Operator{"Acos", 1, 1, 1, real<mapReal<Acos>>},
    Operator{"Atan", 1, 1, 1, real<mapReal<Atan>>},
    Operator{"Sinh", 1, 1, 1, real<mapReal<Sinh>>},
    Operator{"Cosh", 1, 1, 1, real<mapReal<Cosh>>},
    Operator{"Asinh", 1, 1, 1, real<mapReal<Asinh>>},
    Operator{"Acosh", 1, 1, 1, real<mapReal<Acosh>>},
    Operator{"Atanh", 1, 1, 1, real<mapReal<Atanh>>},
    Operator{"Floor", 1, 1, 1, real<mapReal<Floor>>},
    Operator{"Ceil", 1, 1, 1, real<mapReal<Ceil>>},
    Operator{"Round", 1, 1, 1, real<mapReal<Round>>},
    Operator{"Sigmoid", 1, 1, 1, real<evaluated<kernels::Function::Sigmoid>>},
    Operator{"Softplus", 1, 1, 1, real<mapReal<Softplus>>},
    Operator{"Softsign", 1, 1, 1, real<mapReal<Softsign>>},
    Operator{"Mish", 1, 1, 1, real<mapReal<Mish>>},
    Operator{"HardSwish", 1, 1, 1, real<mapReal<HardSwish>>},
    Operator{"LeakyRelu", 1, 1, 1, real<mapReal<LeakyRelu>>},
    Operator{"ThresholdedRelu", 1, 1, 1, real<mapReal<ThresholdedRelu>>},
    Operator{"Elu", 1, 1, 1, real<mapReal<Elu>>},
    Operator{"Celu", 1, 1, 1, real<mapReal<Celu>>},
    Operator{"Selu", 1, 1, 1, real<mapReal<Selu>>},
    Operator{"HardSigmoid", 1, 1, 1, real<mapReal<HardSigmoid>>},
    Operator{"Swish", 1, 1, 1, real<swish>},
    Operator{"Gelu", 1, 1, 1, real<gelu>},
    Operator{"Shrink", 1, 1, 1, real<shrink>},
    Operator{"Neg", 1, 1, 1, mapNumber<Negate>},
    Operator{"Abs", 1, 1, 1, mapNumber<Absolute>},
    Operator{"Relu", 1, 1, 1, mapNumber<Relu>},
    Operator{"Sign", 1, 1, 1, mapNumber<Sign>},
    Operator{"IsNaN", 1, 1, 1, real<questionReal<IsNan>>},
    Operator{"IsInf", 1, 1, 1, real<questionReal<IsInf>>},
};

} // namespace

std::span<const Operator> unaryOperators() { return kUnary; }

} // namespace qscope::engine::nn
