// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/broadcast.h"

#include <array>

// Comparisons, truth values and bits.

namespace qscope::engine::nn {

namespace {

template<class F>
Outputs compare(const Node&, OperatorInputs inputs, OperatorContext& context) {
    const Value& left = *inputs[0];
    const Value& right = *inputs[1];
    if (left.dtype() != right.dtype() || !left.texts != !right.texts)
        return fail(ErrorCode::Unsupported, "{} and {} do not compare", info(left.dtype()).name,
                    info(right.dtype()).name);
    QSCOPE_TRY(const Broadcast plan, broadcast(left.shape(), right.shape()));
    QSCOPE_TRY(std::vector<std::uint8_t> out, makeElements<std::uint8_t>(plan.shape));
    const auto f = [](const auto& a, const auto& b) { return static_cast<std::uint8_t>(F{}(a, b)); };
    if (left.texts) {
        QSCOPE_CHECK(combine(plan, left.texts->data(), right.texts->data(), out.data(), context.run, f));
        return one(makeBools(plan.shape, std::move(out)));
    }
    QSCOPE_TRY(const Value a, widened(left));
    QSCOPE_TRY(const Value b, widened(right));
    QSCOPE_CHECK(withNumber(a.dtype(), [&](auto zero) -> Result<void> {
        using T = decltype(zero);
        return combine(plan, elements<T>(a).data(), elements<T>(b).data(), out.data(), context.run, f);
    }));
    return one(makeBools(plan.shape, std::move(out)));
}

Result<void> expectBools(const Value& value) {
    if (value.dtype() == DType::Bool) return {};
    return fail(ErrorCode::Unsupported, "{} are no truth values", info(value.dtype()).name);
}

/// Bytes combined; truth values are 0 or 1, so that the bit operations are the logical ones.
template<class F>
Outputs logical(const Node&, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_CHECK(expectBools(*inputs[0]));
    QSCOPE_CHECK(expectBools(*inputs[1]));
    QSCOPE_TRY(const Broadcast plan, broadcast(inputs[0]->shape(), inputs[1]->shape()));
    QSCOPE_TRY(std::vector<std::uint8_t> out, makeElements<std::uint8_t>(plan.shape));
    const auto bytesOf = [](const Value& value) {
        return reinterpret_cast<const std::uint8_t*>(value.host.bytes.data());
    };
    QSCOPE_CHECK(combine(plan, bytesOf(*inputs[0]), bytesOf(*inputs[1]), out.data(), context.run,
                         [](std::uint8_t a, std::uint8_t b) {
                             return static_cast<std::uint8_t>(F{}(a != 0 ? 1U : 0U, b != 0 ? 1U : 0U));
                         }));
    return one(makeBools(plan.shape, std::move(out)));
}

Outputs logicalNot(const Node&, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_CHECK(expectBools(*inputs[0]));
    QSCOPE_TRY(std::vector<std::uint8_t> out, makeElements<std::uint8_t>(inputs[0]->shape()));
    std::ranges::transform(inputs[0]->host.bytes, out.begin(),
                           [](std::byte x) { return static_cast<std::uint8_t>(x == std::byte{0}); });
    return one(makeBools(inputs[0]->shape(), std::move(out)));
}

Result<void> expectIntegers(const Value& value) {
    if (info(value.dtype()).kind == DTypeKind::Integer && value.dtype() != DType::Bool) return {};
    return fail(ErrorCode::Unsupported, "{} are no whole numbers", info(value.dtype()).name);
}

/// `f` on 64 bits each.
template<class F>
Result<Value> bitwise(const Value& left, const Value& right, const RunContext& context, const F& f) {
    QSCOPE_CHECK(expectIntegers(left));
    if (left.dtype() != right.dtype())
        return fail(ErrorCode::Unsupported, "{} and {} do not mix", info(left.dtype()).name, info(right.dtype()).name);
    QSCOPE_TRY(const Value a, widened(left));
    QSCOPE_TRY(const Value b, widened(right));
    QSCOPE_TRY(const Broadcast plan, broadcast(a.shape(), b.shape()));
    QSCOPE_TRY(Value result, withNumber(a.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(plan.shape));
                   QSCOPE_CHECK(
                       combine(plan, elements<T>(a).data(), elements<T>(b).data(), out.data(), context, [&](T x, T y) {
                           return static_cast<T>(f(static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y)));
                       }));
                   return makeValue(plan.shape, std::move(out));
               }));
    return narrowed(std::move(result), left.dtype());
}

template<class F>
Outputs bits(const Node&, OperatorInputs inputs, OperatorContext& context) {
    return one(bitwise(*inputs[0], *inputs[1], context.run, F{}));
}

Outputs bitwiseNot(const Node&, OperatorInputs inputs, OperatorContext& context) {
    return one(bitwise(*inputs[0], *inputs[0], context.run, [](auto x, auto) { return ~x; }));
}

/// Of unsigned numbers; whatever is shifted out is lost.
Outputs bitShift(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const std::string direction = attributeOr<std::string>(node, "direction", "");
    const auto shift = [](bool left) {
        return [left](std::uint64_t x, std::uint64_t by) { return by > 63 ? 0 : left ? x << by : x >> by; };
    };
    if (direction == "LEFT") return one(bitwise(*inputs[0], *inputs[1], context.run, shift(true)));
    if (direction == "RIGHT") return one(bitwise(*inputs[0], *inputs[1], context.run, shift(false)));
    return fail(ErrorCode::Unsupported, "the direction '{}' is not known", direction);
}

constexpr std::array kLogic{
    Operator{"Equal", 2, 2, 1, real<compare<std::equal_to<>>>},
    Operator{"Less", 2, 2, 1, real<compare<std::less<>>>},
    Operator{"LessOrEqual", 2, 2, 1, real<compare<std::less_equal<>>>},
    Operator{"Greater", 2, 2, 1, real<compare<std::greater<>>>},
    Operator{"GreaterOrEqual", 2, 2, 1, real<compare<std::greater_equal<>>>},
    Operator{"And", 2, 2, 1, logical<std::bit_and<>>},
    Operator{"Or", 2, 2, 1, logical<std::bit_or<>>},
    Operator{"Xor", 2, 2, 1, logical<std::bit_xor<>>},
    Operator{"Not", 1, 1, 1, logicalNot},
    Operator{"BitwiseAnd", 2, 2, 1, bits<std::bit_and<>>},
    Operator{"BitwiseOr", 2, 2, 1, bits<std::bit_or<>>},
    Operator{"BitwiseXor", 2, 2, 1, bits<std::bit_xor<>>},
    Operator{"BitwiseNot", 1, 1, 1, bitwiseNot},
    Operator{"BitShift", 2, 2, 1, bitShift},
};

} // namespace

std::span<const Operator> logicOperators() { return kLogic; }

} // namespace qscope::engine::nn
