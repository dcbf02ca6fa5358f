// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/expression.h"

#include "engine/quantum/qasm/parser.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <numbers>

namespace qscope::engine::qasm {

namespace {

struct FunctionName {
    std::string_view name;
    Function function;
};
constexpr FunctionName kFunctions[] = {
    {"sin", Function::Sin}, {"cos", Function::Cos},   {"tan", Function::Tan},   {"exp", Function::Exp},
    {"ln", Function::Ln},   {"sqrt", Function::Sqrt}, {"asin", Function::Asin}, {"acos", Function::Acos},
    {"atan", Function::Atan}};

double apply(Function function, double x) {
    switch (function) {
    case Function::Sin: return std::sin(x);
    case Function::Cos: return std::cos(x);
    case Function::Tan: return std::tan(x);
    case Function::Exp: return std::exp(x);
    case Function::Ln: return std::log(x);
    case Function::Sqrt: return std::sqrt(x);
    case Function::Asin: return std::asin(x);
    case Function::Acos: return std::acos(x);
    case Function::Atan: return std::atan(x);
    }
    return x;
}

double combine(StepKind kind, double a, double b) {
    switch (kind) {
    case StepKind::Add: return a + b;
    case StepKind::Subtract: return a - b;
    case StepKind::Multiply: return a * b;
    case StepKind::Divide: return a / b;
    default: return std::pow(a, b);
    }
}

struct Operator {
    int precedence;
    StepKind kind;
};
std::optional<Operator> operatorOf(TokenKind kind) {
    switch (kind) {
    case TokenKind::Plus: return Operator{1, StepKind::Add};
    case TokenKind::Minus: return Operator{1, StepKind::Subtract};
    case TokenKind::Times: return Operator{2, StepKind::Multiply};
    case TokenKind::Divide: return Operator{2, StepKind::Divide};
    case TokenKind::Power: return Operator{3, StepKind::Power};
    default: return std::nullopt;
    }
}
constexpr int kSum = 1;
constexpr int kPower = 3;

ExpressionStep step(StepKind kind, SourceSpan span) {
    ExpressionStep result;
    result.kind = kind;
    result.span = span;
    return result;
}

} // namespace

bool Parser::expression(Expression& into, int precedence, int depth) {
    if (depth > m_limits.nestingDepth) {
        m_messages.error(m_token.span, fmt::format("this expression is nested deeper than {}", m_limits.nestingDepth));
        return false;
    }
    if (!operand(into, depth)) return false;
    for (;;) {
        const auto found = operatorOf(m_token.kind);
        if (!found || found->precedence < precedence) return true;
        const SourceSpan span = m_token.span;
        advance();
        // Powers group to the right, everything else to the left.
        if (!expression(into, found->kind == StepKind::Power ? kPower : found->precedence + 1, depth + 1)) return false;
        into.steps.push_back(step(found->kind, span));
        if (!room(into.steps.size())) return false;
    }
}

bool Parser::operand(Expression& into, int depth) {
    const Token token = m_token;
    switch (token.kind) {
    case TokenKind::Minus:
    case TokenKind::Plus:
        advance();
        if (!expression(into, kPower, depth + 1)) return false;
        if (token.kind == TokenKind::Minus) into.steps.push_back(step(StepKind::Negate, token.span));
        return true;
    case TokenKind::LeftParen:
        advance();
        return expression(into, kSum, depth + 1) && expect(TokenKind::RightParen, "')'");
    case TokenKind::Integer:
    case TokenKind::Real: {
        ExpressionStep number = step(StepKind::Number, token.span);
        const auto [end, error] =
            std::from_chars(token.text.data(), token.text.data() + token.text.size(), number.number);
        if (error != std::errc{}) {
            m_messages.error(token.span, fmt::format("'{}' does not fit a double", token.text.substr(0, 40)));
            return false;
        }
        into.steps.push_back(number);
        advance();
        return true;
    }
    case TokenKind::Identifier: break;
    default:
        m_messages.error(token.span, "expected a number, 'pi', a parameter or a function");
        return false;
    }
    advance();
    if (at(TokenKind::LeftParen)) {
        for (const FunctionName& known : kFunctions) {
            if (known.name != token.text) continue;
            advance();
            if (!expression(into, kSum, depth + 1) || !expect(TokenKind::RightParen, "')'")) return false;
            ExpressionStep call = step(StepKind::Call, token.span);
            call.function = known.function;
            into.steps.push_back(call);
            return true;
        }
        m_messages.error(token.span, fmt::format("there is no function '{}'", token.text.substr(0, 40)),
                         "sin, cos, tan, exp, ln, sqrt, asin, acos, atan");
        return false;
    }
    ExpressionStep named = step(StepKind::Name, token.span);
    named.name = token.text;
    if (token.text == "pi") {
        named.kind = StepKind::Number;
        named.number = std::numbers::pi;
    }
    into.steps.push_back(named);
    return true;
}

double evaluate(const Expression& expression, std::span<const double> parameters) {
    std::vector<double> stack;
    const auto pop = [&] {
        const double top = stack.back();
        stack.pop_back();
        return top;
    };
    for (const ExpressionStep& s : expression.steps) {
        switch (s.kind) {
        case StepKind::Number: stack.push_back(s.number); break;
        case StepKind::Name: break; // bound before evaluation
        case StepKind::Parameter: stack.push_back(parameters[s.parameter]); break;
        case StepKind::Negate: stack.back() = -stack.back(); break;
        case StepKind::Call: stack.back() = apply(s.function, stack.back()); break;
        default: {
            const double right = pop();
            stack.back() = combine(s.kind, stack.back(), right);
        }
        }
    }
    return stack.back();
}

} // namespace qscope::engine::qasm
