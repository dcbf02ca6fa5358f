// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/classical.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

using enum ScalarKind;
constexpr double kTurn = 2 * std::numbers::pi;

std::uint64_t mask(int width) { return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1; }

Scalar wholeOf(ScalarType type, std::uint64_t word) {
    word &= mask(type.width);
    if (type.kind == Int && type.width < 64 && word >> (type.width - 1)) word |= ~mask(type.width);
    return {type, word, 0};
}

/// Nearest multiple of 2 pi / 2^width.
Scalar angleOf(int width, double radians) {
    double turns = radians / kTurn;
    turns -= std::floor(turns);
    const double steps = std::round(std::ldexp(turns, width));
    const bool around = steps >= std::ldexp(1.0, width);
    return wholeOf({Angle, width}, around ? 0 : static_cast<std::uint64_t>(steps));
}

bool numeric(ScalarKind kind) { return kind == Bool || kind == Int || kind == Uint || kind == Bits; }

/// The kind in which two whole numbers meet: unsigned only when both are.
ScalarType common(const Scalar& a, const Scalar& b) {
    return {a.type.kind != Int && b.type.kind != Int ? Uint : Int, 64};
}

std::optional<Scalar> wholePower(const Scalar& a, const Scalar& b) {
    if (b.type.kind == Int && b.asInteger() < 0) return Scalar::number(std::pow(a.asDouble(), b.asDouble()));
    std::uint64_t base = a.word, result = 1;
    for (std::uint64_t left = b.word; left > 0; left >>= 1) {
        if (left & 1) result *= base;
        base *= base;
    }
    return wholeOf(common(a, b), result);
}

std::optional<Scalar> wholeArithmetic(ClassicalOp op, const Scalar& a, const Scalar& b) {
    const ScalarType type = common(a, b);
    switch (op) {
    case ClassicalOp::Add: return wholeOf(type, a.word + b.word);
    case ClassicalOp::Subtract: // a difference of unsigned numbers may be negative before it is stored
        return wholeOf(a.word >= b.word ? type : ScalarType{Int, 64}, a.word - b.word);
    case ClassicalOp::Multiply: return wholeOf(type, a.word * b.word);
    case ClassicalOp::Power: return wholePower(a, b);
    case ClassicalOp::Divide:
    case ClassicalOp::Modulo: {
        const bool quotient = op == ClassicalOp::Divide;
        if (b.word == 0) return std::nullopt;
        if (type.kind == Uint) return wholeOf(type, quotient ? a.word / b.word : a.word % b.word);
        if (b.asInteger() == -1) return wholeOf(type, quotient ? std::uint64_t{0} - a.word : 0);
        const std::int64_t value = quotient ? a.asInteger() / b.asInteger() : a.asInteger() % b.asInteger();
        return wholeOf(type, static_cast<std::uint64_t>(value));
    }
    default: return std::nullopt;
    }
}

std::optional<Scalar> angleArithmetic(ClassicalOp op, const Scalar& a, const Scalar& b) {
    const bool both = a.type.kind == Angle && b.type.kind == Angle;
    if (both && a.type.width != b.type.width) {
        const ScalarType wider{Angle, std::max(a.type.width, b.type.width)};
        return angleArithmetic(op, *converted(a, wider), *converted(b, wider));
    }
    const ScalarType type = a.type.kind == Angle ? a.type : b.type;
    switch (op) {
    case ClassicalOp::Add: if (both) return wholeOf(type, a.word + b.word); break;
    case ClassicalOp::Subtract: if (both) return wholeOf(type, a.word - b.word); break;
    case ClassicalOp::Multiply: if (!both) return wholeOf(type, a.word * b.word); break;
    case ClassicalOp::Divide:
        if (b.word == 0) return std::nullopt;
        if (both) return wholeOf({Uint, 64}, a.word / b.word);
        if (a.type.kind == Angle) return wholeOf(type, a.word / b.word);
        break;
    default: break;
    }
    return std::nullopt;
}

std::optional<Scalar> realArithmetic(ClassicalOp op, const Scalar& a, const Scalar& b) {
    const double x = a.asDouble(), y = b.asDouble();
    double result = 0;
    switch (op) {
    case ClassicalOp::Add: result = x + y; break;
    case ClassicalOp::Subtract: result = x - y; break;
    case ClassicalOp::Multiply: result = x * y; break;
    case ClassicalOp::Divide: result = x / y; break;
    case ClassicalOp::Modulo: result = std::fmod(x, y); break;
    case ClassicalOp::Power: result = std::pow(x, y); break;
    default: return std::nullopt;
    }
    const bool lengths = a.type.kind == Duration && b.type.kind == Duration;
    const bool duration = op == ClassicalOp::Divide && lengths ? false : a.type.kind == Duration || b.type.kind == Duration;
    return Scalar{{duration ? Duration : Float, 64}, 0, result};
}

std::optional<Scalar> compared(ClassicalOp op, const Scalar& a, const Scalar& b) {
    std::partial_ordering order = std::partial_ordering::equivalent;
    const bool angles = a.type.kind == Angle && b.type.kind == Angle && a.type.width == b.type.width;
    if (!angles && (!numeric(a.type.kind) || !numeric(b.type.kind))) order = a.asDouble() <=> b.asDouble();
    else if (!angles && a.type.kind == Int && a.asInteger() < 0 && b.type.kind != Int) order = std::partial_ordering::less;
    else if (!angles && b.type.kind == Int && b.asInteger() < 0 && a.type.kind != Int) order = std::partial_ordering::greater;
    else if (!angles && a.type.kind == Int && b.type.kind == Int) order = a.asInteger() <=> b.asInteger();
    else order = a.word <=> b.word;
    switch (op) {
    case ClassicalOp::Less: return Scalar::boolean(order < 0);
    case ClassicalOp::LessEqual: return Scalar::boolean(order <= 0);
    case ClassicalOp::Greater: return Scalar::boolean(order > 0);
    case ClassicalOp::GreaterEqual: return Scalar::boolean(order >= 0);
    case ClassicalOp::Equal: return Scalar::boolean(order == 0);
    default: return Scalar::boolean(order != 0);
    }
}

std::optional<Scalar> bitwise(ClassicalOp op, const Scalar& a, const Scalar& b) {
    if (a.type.real() || b.type.real()) return std::nullopt;
    const bool shift = op == ClassicalOp::ShiftLeft || op == ClassicalOp::ShiftRight || op == ClassicalOp::RotateLeft ||
                       op == ClassicalOp::RotateRight;
    // A bare number next to bits of a width takes that width.
    const bool fixed = a.type.kind == Bits || a.type.kind == Angle || shift;
    const ScalarType type = fixed ? a.type : b.type.kind == Bits || b.type.kind == Angle ? b.type : common(a, b);
    const auto by = static_cast<int>(std::min<std::uint64_t>(b.word, 64));
    if (shift && b.type.kind == Int && b.asInteger() < 0) return std::nullopt;
    switch (op) {
    case ClassicalOp::And: return wholeOf(type, a.word & b.word);
    case ClassicalOp::Or: return wholeOf(type, a.word | b.word);
    case ClassicalOp::Xor: return wholeOf(type, a.word ^ b.word);
    case ClassicalOp::ShiftLeft: return wholeOf(type, by >= 64 ? 0 : a.word << by);
    case ClassicalOp::ShiftRight:
        if (type.kind == Int) return wholeOf(type, static_cast<std::uint64_t>(a.asInteger() >> std::min(by, 63)));
        return wholeOf(type, by >= 64 ? 0 : a.word >> by);
    default: break;
    }
    const int turn = static_cast<int>(b.word % static_cast<std::uint64_t>(type.width));
    const int left = op == ClassicalOp::RotateLeft ? turn : (type.width - turn) % type.width;
    const std::uint64_t word = a.word & mask(type.width);
    return wholeOf(type, left == 0 ? word : word << left | word >> (type.width - left));
}

std::optional<Scalar> real(ClassicalOp op, double x) {
    switch (op) {
    case ClassicalOp::Sin: return Scalar::number(std::sin(x));
    case ClassicalOp::Cos: return Scalar::number(std::cos(x));
    case ClassicalOp::Tan: return Scalar::number(std::tan(x));
    case ClassicalOp::Arcsin: return Scalar::number(std::asin(x));
    case ClassicalOp::Arccos: return Scalar::number(std::acos(x));
    case ClassicalOp::Arctan: return Scalar::number(std::atan(x));
    case ClassicalOp::Exp: return Scalar::number(std::exp(x));
    case ClassicalOp::Log: return Scalar::number(std::log(x));
    case ClassicalOp::Sqrt: return Scalar::number(std::sqrt(x));
    case ClassicalOp::Ceiling: return Scalar::number(std::ceil(x));
    case ClassicalOp::Floor: return Scalar::number(std::floor(x));
    default: return std::nullopt;
    }
}

} // namespace

double Scalar::asDouble() const {
    switch (type.kind) {
    case Float:
    case Duration: return real;
    case Int: return static_cast<double>(asInteger());
    case Angle: return std::ldexp(static_cast<double>(word), -type.width) * kTurn;
    default: return static_cast<double>(word);
    }
}

std::optional<Scalar> converted(const Scalar& value, ScalarType type) {
    if (value.type == type) return value;
    const ScalarKind from = value.type.kind;
    switch (type.kind) {
    case Duration: return from == Float ? std::optional(Scalar{type, 0, value.real}) : std::nullopt;
    case Float: return from == Duration ? std::nullopt : std::optional(Scalar{type, 0, value.asDouble()});
    case Bool: return Scalar::boolean(value.isTrue());
    case Angle:
        if (from == Int || from == Uint) return angleOf(type.width, value.asDouble()); // radians too
        if (from == Float) return std::isfinite(value.real) ? std::optional(angleOf(type.width, value.real)) : std::nullopt;
        if (from == Angle) {
            const int up = type.width - value.type.width;
            return wholeOf(type, up >= 0 ? value.word << up : value.word >> -up);
        }
        return from == Bits ? std::optional(wholeOf(type, value.word)) : std::nullopt;
    case Bits: return value.type.real() ? std::nullopt : std::optional(wholeOf(type, value.word));
    case Int:
    case Uint: break;
    }
    if (from == Angle || from == Duration) return std::nullopt;
    if (from != Float) return wholeOf(type, value.word);
    const double whole = std::trunc(value.real);
    if (!(std::abs(whole) < 0x1p63)) return std::nullopt;
    return wholeOf(type, static_cast<std::uint64_t>(static_cast<std::int64_t>(whole)));
}

std::optional<Scalar> applied(ClassicalOp op, const Scalar& a) {
    switch (op) {
    case ClassicalOp::Negate:
        if (a.type.real()) return Scalar{a.type, 0, a.real == 0 ? 0 : -a.real};
        return wholeOf(a.type.kind == Angle ? a.type : ScalarType{Int, 64}, std::uint64_t{0} - a.word);
    case ClassicalOp::Complement: return a.type.real() ? std::nullopt : std::optional(wholeOf(a.type, ~a.word));
    case ClassicalOp::Not: return Scalar::boolean(!a.isTrue());
    case ClassicalOp::Popcount:
        return a.type.real() ? std::nullopt
                             : std::optional(wholeOf({Uint, 64}, static_cast<unsigned>(std::popcount(a.word & mask(a.type.width)))));
    default: return a.type.kind == Duration ? std::nullopt : real(op, a.asDouble());
    }
}

std::optional<Scalar> applied(ClassicalOp op, const Scalar& a, const Scalar& b) {
    switch (op) {
    case ClassicalOp::LogicalAnd: return Scalar::boolean(a.isTrue() && b.isTrue());
    case ClassicalOp::LogicalOr: return Scalar::boolean(a.isTrue() || b.isTrue());
    case ClassicalOp::Concatenate: {
        const int width = a.type.width + b.type.width;
        if (a.type.kind != Bits || b.type.kind != Bits || width > 64) return std::nullopt;
        return wholeOf({Bits, width}, a.word | b.word << a.type.width);
    }
    default: break;
    }
    if (op >= ClassicalOp::Less && op <= ClassicalOp::NotEqual) return compared(op, a, b);
    if (op > ClassicalOp::NotEqual || op == ClassicalOp::ShiftLeft || op == ClassicalOp::ShiftRight) return bitwise(op, a, b);
    if (a.type.real() || b.type.real()) return realArithmetic(op, a, b);
    if (a.type.kind != Angle && b.type.kind != Angle) return wholeArithmetic(op, a, b);
    if (const auto angle = angleArithmetic(op, a, b)) return angle;
    return op == ClassicalOp::Divide && b.word == 0 ? std::nullopt : realArithmetic(op, a, b);
}

std::optional<Scalar> evaluate(const ClassicalExpression& expression, const ClassicalMemory& memory) {
    std::vector<Scalar> stack;
    for (const ClassicalStep& step : expression.steps) {
        switch (step.op) {
        case ClassicalOp::Constant: stack.push_back(step.value); continue;
        case ClassicalOp::Input: return std::nullopt;
        case ClassicalOp::Variable: stack.push_back(memory.variables[static_cast<std::size_t>(step.index)]); continue;
        case ClassicalOp::Bits: {
            std::uint64_t word = 0;
            for (int i = 0; i < step.type.width; ++i)
                word |= std::uint64_t{memory.clbits[static_cast<std::size_t>(step.index + i)]} << i;
            stack.push_back({step.type, word, 0});
            continue;
        }
        default: break;
        }
        std::optional<Scalar> result;
        if (operandsOf(step.op) == 2) {
            const Scalar right = stack.back();
            stack.pop_back();
            result = applied(step.op, stack.back(), right);
        } else {
            result = step.op == ClassicalOp::Cast ? converted(stack.back(), step.type) : applied(step.op, stack.back());
        }
        if (!result) return std::nullopt;
        stack.back() = *result;
    }
    return stack.back();
}

const char* spelling(ClassicalOp op) {
    constexpr const char* kNames[] = {
        "", "", "", "", "", "-", "~", "!", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "sqrt",
        "ceiling", "floor", "popcount", "**", "*", "/", "%", "+", "-", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "&",
        "^", "|", "&&", "||", "++", "rotl", "rotr"};
    return kNames[static_cast<std::size_t>(op)];
}

std::string spelling(ScalarType type) {
    switch (type.kind) {
    case Bool: return "bool";
    case Float: return "float";
    case Duration: return "duration";
    case Bits: return type.width == 1 ? "bit" : fmt::format("bit[{}]", type.width);
    case Int: return fmt::format("int[{}]", type.width);
    case Uint: return fmt::format("uint[{}]", type.width);
    case Angle: return fmt::format("angle[{}]", type.width);
    }
    return {};
}

} // namespace qscope::engine
