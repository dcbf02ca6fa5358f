// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

// Classical values of a circuit: what gate parameters depend on inputs and measured bits with, and what branches test.

enum class ScalarKind : std::uint8_t { Bool, Bits, Int, Uint, Float, Angle, Duration };

/// `width` bits, 1 to 64 (registers of bits may be wider, their values not); Float and Duration (seconds) are doubles.
struct ScalarType {
    ScalarKind kind = ScalarKind::Float;
    int width = 64;
    friend bool operator==(const ScalarType&, const ScalarType&) = default;
    [[nodiscard]] bool real() const { return kind == ScalarKind::Float || kind == ScalarKind::Duration; }
};

/// One value. `word` holds it unless the type is real: Int in two's complement over all 64 bits, Angle as a multiple of
/// 2 pi / 2^width.
struct Scalar {
    ScalarType type;
    std::uint64_t word = 0;
    double real = 0;

    [[nodiscard]] static Scalar integer(std::int64_t value) {
        return {{ScalarKind::Int, 64}, static_cast<std::uint64_t>(value), 0};
    }
    [[nodiscard]] static Scalar number(double value) { return {{ScalarKind::Float, 64}, 0, value}; }
    [[nodiscard]] static Scalar boolean(bool value) { return {{ScalarKind::Bool, 1}, value ? 1u : 0u, 0}; }
    [[nodiscard]] std::int64_t asInteger() const { return static_cast<std::int64_t>(word); }
    [[nodiscard]] bool isTrue() const { return type.real() ? real != 0 : word != 0; }
    /// As a number: angles in radians.
    [[nodiscard]] double asDouble() const;
};

enum class ClassicalOp : std::uint8_t {
    Constant, Bits, Variable, Input, // operands
    Cast, Negate, Complement, Not,   // of one
    Sin, Cos, Tan, Arcsin, Arccos, Arctan, Exp, Log, Sqrt, Ceiling, Floor, Popcount,
    Power, Multiply, Divide, Modulo, Add, Subtract, ShiftLeft, ShiftRight, // of two
    Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, And, Xor, Or, LogicalAnd, LogicalOr,
    Concatenate, ///< the first operand takes the low bits
    RotateLeft, RotateRight
};
[[nodiscard]] constexpr int operandsOf(ClassicalOp op) {
    return op <= ClassicalOp::Input ? 0 : op <= ClassicalOp::Popcount ? 1 : 2;
}

/// One step of an expression in postfix order, so that neither evaluation nor destruction recurses.
struct ClassicalStep {
    ClassicalOp op = ClassicalOp::Constant;
    ScalarType type; ///< Cast: to what; Bits: width is how many; Variable, Input: its own
    int index = 0;   ///< Bits: the first classical bit; Variable, Input: index into the circuit's list
    Scalar value;    ///< Constant
};
struct ClassicalExpression {
    std::vector<ClassicalStep> steps;
};

/// What an expression reads while a circuit runs. Inputs have been bound before.
struct ClassicalMemory {
    std::vector<bool> clbits;
    std::vector<Scalar> variables;
};

/// The value converted; nothing when there is no such conversion, or a real number does not fit a whole one.
[[nodiscard]] std::optional<Scalar> converted(const Scalar& value, ScalarType type);
/// Nothing when the operation is not defined: division of whole numbers by zero, types that do not go together.
/// Whole numbers compute in 64 bits; bits and angles keep their width.
[[nodiscard]] std::optional<Scalar> applied(ClassicalOp op, const Scalar& a);
[[nodiscard]] std::optional<Scalar> applied(ClassicalOp op, const Scalar& a, const Scalar& b);
/// Nothing after an undefined operation, or when an input is left unbound.
[[nodiscard]] std::optional<Scalar> evaluate(const ClassicalExpression& expression, const ClassicalMemory& memory);

/// The name of a function or the sign of an operator in OpenQASM 3.
[[nodiscard]] const char* spelling(ClassicalOp op);
/// "uint[8]", "bit", "float"
[[nodiscard]] std::string spelling(ScalarType type);

} // namespace qscope::engine
