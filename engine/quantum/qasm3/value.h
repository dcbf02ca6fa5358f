// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/quantum/circuit.h"

namespace qscope::engine::qasm3 {

/// What an expression is worth while the circuit is built: a known value, or code that a run evaluates.
struct Value {
    ScalarType type;
    std::optional<Scalar> known;
    ClassicalExpression code; ///< when nothing is known
    bool measured = false;    ///< the code reads bits or variables, not only inputs, so that its value changes with time
};

[[nodiscard]] Value constant(const Scalar& value);
[[nodiscard]] inline Value number(double value) { return constant(Scalar::number(value)); }
[[nodiscard]] Value operand(const ClassicalStep& step);
/// The steps that leave the value on the stack, known or not.
[[nodiscard]] ClassicalExpression codeOf(const Value& value);

// Unsupported, with the reason, when the types do not go together or nothing is defined.
[[nodiscard]] Result<Value> unary(ClassicalOp op, const Value& a);
[[nodiscard]] Result<Value> binary(ClassicalOp op, const Value& a, const Value& b);
[[nodiscard]] Result<Value> cast(const Value& value, ScalarType type);

} // namespace qscope::engine::qasm3
