// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/value.h"

namespace qscope::engine::qasm3 {

namespace {

/// Inputs that grow by being put into one another must end somewhere.
constexpr std::size_t kMostSteps = 1000;

/// Some value of the type, to learn what an operation makes of it.
Scalar sample(ScalarType type) {
    Scalar scalar{type, 1, 1};
    if (type.kind == ScalarKind::Bits) scalar.type.width = std::min(type.width, 64);
    return scalar;
}

Value later(std::optional<Scalar> example, ClassicalExpression code, bool measured) {
    return {example->type, std::nullopt, std::move(code), measured};
}

Result<void> small(const ClassicalExpression& code) {
    if (code.steps.size() <= kMostSteps) return {};
    return fail(ErrorCode::Unsupported, "what is made of the inputs here has more than {} steps", kMostSteps);
}

} // namespace

Value constant(const Scalar& value) { return {value.type, value, {}, false}; }

Value operand(const ClassicalStep& step) {
    return {step.type, std::nullopt, {{step}}, step.op == ClassicalOp::Bits || step.op == ClassicalOp::Variable};
}

ClassicalExpression codeOf(const Value& value) {
    if (!value.known) return value.code;
    return {{ClassicalStep{ClassicalOp::Constant, value.known->type, 0, *value.known}}};
}

Result<Value> unary(ClassicalOp op, const Value& a) {
    const auto result = applied(op, a.known ? *a.known : sample(a.type));
    if (!result) return fail(ErrorCode::Unsupported, "'{}' is not defined for {}", spelling(op), spelling(a.type));
    if (a.known) return constant(*result);
    auto code = a.code;
    code.steps.push_back({op, result->type, 0, {}});
    QSCOPE_CHECK(small(code));
    return later(result, std::move(code), a.measured);
}

Result<Value> binary(ClassicalOp op, const Value& a, const Value& b) {
    const bool known = a.known && b.known;
    const auto result = known ? applied(op, *a.known, *b.known) : applied(op, sample(a.type), sample(b.type));
    if (!result) {
        const bool zero = known && (op == ClassicalOp::Divide || op == ClassicalOp::Modulo) && b.known->word == 0;
        if (zero) return fail(ErrorCode::Unsupported, "a whole number is divided by zero");
        return fail(ErrorCode::Unsupported, "'{}' is not defined for {} and {}", spelling(op), spelling(a.type), spelling(b.type));
    }
    if (known) return constant(*result);
    auto code = codeOf(a);
    const auto right = codeOf(b);
    code.steps.insert(code.steps.end(), right.steps.begin(), right.steps.end());
    code.steps.push_back({op, result->type, 0, {}});
    QSCOPE_CHECK(small(code));
    return later(result, std::move(code), a.measured || b.measured);
}

Result<Value> cast(const Value& value, ScalarType type) {
    if (value.type == type) return value;
    const auto result = converted(value.known ? *value.known : sample(value.type), type);
    if (!result) {
        if (value.known && value.type.real() && converted(sample(value.type), type))
            return fail(ErrorCode::Unsupported, "{} is no value of type {}", value.known->real, spelling(type));
        return fail(ErrorCode::Unsupported, "{} cannot become {}", spelling(value.type), spelling(type));
    }
    if (value.known) return constant(*result);
    auto code = value.code;
    code.steps.push_back({ClassicalOp::Cast, type, 0, {}});
    QSCOPE_CHECK(small(code));
    return later(result, std::move(code), value.measured);
}

} // namespace qscope::engine::qasm3
