// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/broadcast.h"

#include <array>
#include <cmath>

// Functions of two elements, or of one from each of many tensors.

namespace qscope::engine::nn {

namespace {

Result<void> expectOneType(const Value& left, const Value& right) {
    if (left.dtype() == right.dtype()) return {};
    return fail(ErrorCode::Unsupported, "{} and {} do not mix", info(left.dtype()).name, info(right.dtype()).name);
}

/// Both in one type of `widened`, which `f` calculates in; the result in their own type.
template<class F>
Result<Value> calculated(const Value& left, const Value& right, const RunContext& context, const F& f) {
    QSCOPE_CHECK(expectOneType(left, right));
    QSCOPE_TRY(const Value a, widened(left));
    QSCOPE_TRY(const Value b, widened(right));
    QSCOPE_TRY(const Broadcast plan, broadcast(a.shape(), b.shape()));
    QSCOPE_TRY(Value result, withNumber(a.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(plan.shape));
                   QSCOPE_CHECK(combine(plan, elements<T>(a).data(), elements<T>(b).data(), out.data(), context, f));
                   return makeValue(plan.shape, std::move(out));
               }));
    return narrowed(std::move(result), left.dtype());
}

template<class F>
Outputs arithmetic(const Node&, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(Value result, calculated(*inputs[0], *inputs[1], context.run, F{}));
    return one(std::move(result));
}

bool isInteger(DType type) { return info(type).kind == DTypeKind::Integer && type != DType::Bool; }

Result<void> expectNoZeros(const Value& divisor) {
    if (!isInteger(divisor.dtype())) return {};
    QSCOPE_TRY(const Value wide, converted(divisor, DType::I64));
    const auto all = elements<std::int64_t>(wide);
    if (std::ranges::find(all, 0) == all.end()) return {};
    return fail(ErrorCode::OutOfRange, "division of a whole number by zero");
}

/// Integers wrap around: they are calculated without sign, for which C++ defines that.
template<class T, class F>
T wrapping(T a, T b, const F& f) {
    if constexpr (std::is_integral_v<T>)
        return static_cast<T>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
    else
        return f(a, b);
}

struct Add {
    template<class T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x + y; });
    }
};
struct Subtract {
    template<class T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x - y; });
    }
};
struct Multiply {
    template<class T>
    T operator()(T a, T b) const {
        return wrapping(a, b, [](auto x, auto y) { return x * y; });
    }
};
struct Divide {
    template<class T>
    T operator()(T a, T b) const {
        if constexpr (std::is_same_v<T, std::int64_t>)
            if (b == -1) return Subtract{}(T{0}, a); // the least integer has no opposite
        return a / b;
    }
};
/// Sign of the dividend, as in C.
struct Remainder {
    template<class T>
    T operator()(T a, T b) const {
        if constexpr (std::is_floating_point_v<T>)
            return std::fmod(a, b);
        else if constexpr (std::is_signed_v<T>)
            return b == -1 ? T{0} : a % b;
        else
            return a % b;
    }
};
/// Sign of the divisor, as in Python.
struct Modulus {
    template<class T>
    T operator()(T a, T b) const {
        const T rest = Remainder{}(a, b);
        if constexpr (std::is_signed_v<T>)
            if (rest != 0 && (rest < 0) != (b < 0)) return rest + b;
        return rest;
    }
};
/// NaN when either is.
struct Least {
    template<class T>
    T operator()(T a, T b) const {
        return a < b || a != a ? a : b;
    }
};
struct Greatest {
    template<class T>
    T operator()(T a, T b) const {
        return a > b || a != a ? a : b;
    }
};
struct Power {
    template<class T>
    T operator()(T a, T b) const {
        if constexpr (std::is_floating_point_v<T>) {
            return b == 2 ? a * a : std::pow(a, b);
        } else {
            if constexpr (std::is_signed_v<T>)
                if (b < 0) return a == 1 ? T{1} : a == -1 ? (b % 2 != 0 ? a : T{1}) : T{0};
            std::uint64_t result = 1;
            std::uint64_t square = static_cast<std::uint64_t>(a);
            for (auto left = static_cast<std::uint64_t>(b); left != 0; left >>= 1) {
                if (left & 1) result *= square;
                square *= square;
            }
            return static_cast<T>(result);
        }
    }
};
struct LeakyByElement {
    template<class T>
    T operator()(T x, T slope) const {
        if constexpr (std::is_unsigned_v<T>)
            return x;
        else
            return x < 0 ? Multiply{}(x, slope) : x;
    }
};

Outputs divide(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_CHECK(expectNoZeros(*inputs[1]));
    return arithmetic<Divide>(node, inputs, context);
}

Outputs modulus(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_CHECK(expectNoZeros(*inputs[1]));
    if (attributeOr<std::int64_t>(node, "fmod", 0) != 0) return arithmetic<Remainder>(node, inputs, context);
    return arithmetic<Modulus>(node, inputs, context);
}

/// The base decides the type; whole numbers to a real power are calculated in double.
Outputs power(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const DType type = inputs[0]->dtype();
    DType common = type;
    if (isInteger(type)) common = isInteger(inputs[1]->dtype()) ? DType::I64 : DType::F64;
    if (type == DType::F16 || type == DType::BF16) common = DType::F32;
    QSCOPE_TRY(const Value base, converted(*inputs[0], common));
    QSCOPE_TRY(const Value exponent, converted(*inputs[1], common));
    QSCOPE_TRY(Value result, calculated(base, exponent, context.run, Power{}));
    if (common == DType::I64 && type != DType::U64) {
        QSCOPE_TRY(result, narrowed(std::move(result), type));
    } else {
        QSCOPE_TRY(result, converted(result, type));
    }
    return one(std::move(result));
}

/// f(f(a, b), c) ... over any number of inputs.
template<class F>
Outputs folded(const Node&, OperatorInputs inputs, OperatorContext& context) {
    Value result = *inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        if (!inputs[i]) return fail(ErrorCode::OutOfRange, "input {} is absent", i);
        QSCOPE_TRY(result, calculated(result, *inputs[i], context.run, F{}));
    }
    return one(std::move(result));
}

Outputs mean(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const std::vector<Value> sum, folded<Add>(node, inputs, context));
    QSCOPE_TRY(const Value count,
               converted(makeValue<double>({}, {static_cast<double>(inputs.size())}), sum[0].dtype()));
    QSCOPE_TRY(Value result, calculated(sum[0], count, context.run, Divide{}));
    return one(std::move(result));
}

/// A border that is absent does not hold.
Outputs clip(const Node&, OperatorInputs inputs, OperatorContext& context) {
    Value result = *inputs[0];
    const auto bound = [&](std::size_t input, auto f) -> Result<void> {
        const Value* border = inputOf(inputs, input);
        if (!border) return {};
        if (elementCount(border->shape()) != 1)
            return fail(ErrorCode::OutOfRange, "a border of shape {} is no scalar", describe(border->shape()));
        QSCOPE_TRY(result, calculated(result, reshaped(*border, {}), context.run, f));
        return {};
    };
    QSCOPE_CHECK(bound(1, Greatest{}));
    QSCOPE_CHECK(bound(2, Least{}));
    return one(std::move(result));
}

/// The slope may lack leading axes, but must not widen x.
Outputs prelu(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(std::vector<Value> result, arithmetic<LeakyByElement>(node, inputs, context));
    QSCOPE_CHECK(expectShape(result[0], inputs[0]->shape(), "the result"));
    return result;
}

constexpr std::array kBinary{
    Operator{"Add", 2, 2, 1, real<arithmetic<Add>>},
    Operator{"Sub", 2, 2, 1, real<arithmetic<Subtract>>},
    Operator{"Mul", 2, 2, 1, real<arithmetic<Multiply>>},
    Operator{"Div", 2, 2, 1, real<divide>},
    Operator{"Mod", 2, 2, 1, real<modulus>},
    Operator{"Pow", 2, 2, 1, power},
    Operator{"Min", 1, -1, 1, real<folded<Least>>},
    Operator{"Max", 1, -1, 1, real<folded<Greatest>>},
    Operator{"Sum", 1, -1, 1, real<folded<Add>>},
    Operator{"Mean", 1, -1, 1, real<mean>},
    Operator{"Clip", 1, 3, 1, real<clip>},
    Operator{"PRelu", 2, 2, 1, real<prelu>},
};

} // namespace

std::span<const Operator> binaryOperators() { return kBinary; }

} // namespace qscope::engine::nn
