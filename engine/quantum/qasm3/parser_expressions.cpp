// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace qscope::engine::qasm3 {

namespace {

constexpr int kHighest = 400; ///< of an expression's tree: walking it must not exhaust the stack
constexpr int kUnary = 12;

/// How strongly an operator binds; 0 for what joins no two operands.
int precedenceOf(ClassicalOp op) {
    switch (op) {
    case ClassicalOp::Concatenate: return 1;
    case ClassicalOp::LogicalOr: return 2;
    case ClassicalOp::LogicalAnd: return 3;
    case ClassicalOp::Or: return 4;
    case ClassicalOp::Xor: return 5;
    case ClassicalOp::And: return 6;
    case ClassicalOp::Equal:
    case ClassicalOp::NotEqual: return 7;
    case ClassicalOp::Less:
    case ClassicalOp::LessEqual:
    case ClassicalOp::Greater:
    case ClassicalOp::GreaterEqual: return 8;
    case ClassicalOp::ShiftLeft:
    case ClassicalOp::ShiftRight: return 9;
    case ClassicalOp::Add:
    case ClassicalOp::Subtract: return 10;
    case ClassicalOp::Multiply:
    case ClassicalOp::Divide:
    case ClassicalOp::Modulo: return 11;
    case ClassicalOp::Power: return 13;
    default: return 0;
    }
}

ExpressionPtr node(ExpressionKind kind, const Token& token) {
    auto result = std::make_unique<Expression>();
    result->kind = kind;
    result->span = token.span;
    result->text = token.text;
    return result;
}

/// The digits without the underscores between them.
std::string plain(std::string_view text) {
    std::string result(text);
    std::erase(result, '_');
    return result;
}

} // namespace

/// Sets the height; false when the tree has become too high.
bool Parser::grown(Expression& expression) {
    for (const auto& part : expression.parts)
        if (part) expression.height = std::max(expression.height, part->height + 1);
    if (expression.height <= kHighest) return true;
    m_messages.error(expression.span, fmt::format("this expression is nested deeper than {}", kHighest));
    return false;
}

ExpressionPtr Parser::expression(int depth, int precedence) {
    if (deep(depth)) return nullptr;
    auto left = operand(depth);
    while (left && at(TokenKind::Operator) && !m_token.assigns) {
        const Token sign = m_token;
        const int binds = precedenceOf(sign.op);
        if (binds == 0 || binds < precedence) break;
        advance();
        // Powers group to the right, everything else to the left.
        auto right = expression(depth + 1, sign.op == ClassicalOp::Power ? binds : binds + 1);
        if (!right) return nullptr;
        auto joined = node(ExpressionKind::Binary, sign);
        joined->op = sign.op;
        joined->span = left->span;
        joined->span.end = m_last.end;
        joined->parts.push_back(std::move(left));
        joined->parts.push_back(std::move(right));
        if (!grown(*joined)) return nullptr;
        left = std::move(joined);
    }
    return left;
}

ExpressionPtr Parser::operand(int depth) {
    const Token token = m_token;
    const bool minus = atOperator(ClassicalOp::Subtract);
    if (!minus && !atOperator(ClassicalOp::Complement) && !atOperator(ClassicalOp::Not)) {
        auto result = primary(depth);
        while (result && at(TokenKind::LeftBracket)) result = indices(std::move(result), depth);
        return result;
    }
    advance();
    auto inner = expression(depth + 1, kUnary);
    if (!inner) return nullptr;
    auto result = node(ExpressionKind::Unary, token);
    result->op = minus ? ClassicalOp::Negate : token.op;
    result->span.end = m_last.end;
    result->parts.push_back(std::move(inner));
    return grown(*result) ? std::move(result) : nullptr;
}

ExpressionPtr Parser::number() {
    const Token token = m_token;
    auto result = node(token.kind == TokenKind::Integer     ? ExpressionKind::Integer
                       : token.kind == TokenKind::Real      ? ExpressionKind::Real
                       : token.kind == TokenKind::Imaginary ? ExpressionKind::Imaginary
                                                            : ExpressionKind::Timing,
                       token);
    std::string digits = plain(token.text);
    std::errc error{};
    const char* end = nullptr;
    if (token.kind == TokenKind::Integer) {
        const char letter = digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 0x20) : '0';
        const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
        if (base != 10) digits.erase(0, 2);
        error = std::from_chars(digits.data(), digits.data() + digits.size(), result->integer, base).ec;
    } else {
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), result->real);
        error = read.ec;
        end = read.ptr;
    }
    if (error != std::errc{}) {
        m_messages.error(token.span, fmt::format("'{}' is too large", token.text.substr(0, 40)));
        return nullptr;
    }
    if (token.kind == TokenKind::Timing) {
        const std::string_view unit(end, static_cast<std::size_t>(digits.data() + digits.size() - end));
        result->real /= unit == "s" ? 1 : unit == "ms" ? 1e3 : unit == "ns" ? 1e9 : unit == "dt" ? std::nan("") : 1e6;
    }
    advance();
    return result;
}

ExpressionPtr Parser::primary(int depth) {
    const Token token = m_token;
    switch (token.kind) {
    case TokenKind::Integer:
    case TokenKind::Real:
    case TokenKind::Imaginary:
    case TokenKind::Timing: return number();
    case TokenKind::HardwareQubit: return place();
    case TokenKind::LeftParen: {
        advance();
        auto inner = expression(depth + 1);
        return inner && expect(TokenKind::RightParen, "')'") ? std::move(inner) : nullptr;
    }
    case TokenKind::String: {
        const std::string digits = plain(token.text);
        if (digits.empty() || digits.find_first_not_of("01") != std::string::npos) {
            m_messages.error(token.span, "only strings of the bits 0 and 1 are values");
            return nullptr;
        }
        advance();
        return node(ExpressionKind::BitString, token);
    }
    case TokenKind::Identifier: break;
    default:
        if (token.kind != TokenKind::Broken) m_messages.error(token.span, "expected a number, a name, a function or '('");
        return nullptr;
    }
    if (atType() && !atWord("qubit")) {
        auto result = node(ExpressionKind::Cast, token);
        result->type = type(false);
        if (!result->type || !expect(TokenKind::LeftParen, "'(' and the value to convert")) return nullptr;
        auto inner = expression(depth + 1);
        if (!inner || !expect(TokenKind::RightParen, "')'")) return nullptr;
        result->parts.push_back(std::move(inner));
        result->span.end = m_last.end;
        return grown(*result) ? std::move(result) : nullptr;
    }
    if (token.text == "true" || token.text == "false") {
        auto result = node(ExpressionKind::Boolean, token);
        result->integer = token.text == "true" ? 1 : 0;
        advance();
        return result;
    }
    if (token.text == "durationof") {
        advance();
        if (!expect(TokenKind::LeftParen, "'('") || !body(depth + 1, true) || !expect(TokenKind::RightParen, "')'")) return nullptr;
        return node(ExpressionKind::DurationOf, token);
    }
    // `pow` is a modifier as well.
    if (token.text == "pow") advance();
    else if (!name("a value")) return nullptr;
    if (!at(TokenKind::LeftParen)) return node(ExpressionKind::Name, token);
    advance();
    auto call = node(ExpressionKind::Call, token);
    if (!list(call->parts, TokenKind::RightParen, depth + 1)) return nullptr;
    call->span.end = m_last.end;
    return grown(*call) ? std::move(call) : nullptr;
}

bool Parser::list(std::vector<ExpressionPtr>& into, TokenKind end, int depth) {
    while (!at(end)) {
        auto next = expression(depth);
        if (!next) return false;
        into.push_back(std::move(next));
        if (!at(TokenKind::Comma)) break;
        advance();
        if (!room(into.size())) return false;
    }
    return expect(end, end == TokenKind::RightParen ? "')'" : end == TokenKind::RightBracket ? "']'" : "'}'");
}

ExpressionPtr Parser::set(int depth, bool nested) {
    if (deep(depth)) return nullptr;
    auto result = node(ExpressionKind::Set, m_token);
    advance();
    while (!at(TokenKind::RightBrace)) {
        auto next = nested && at(TokenKind::LeftBrace) ? set(depth + 1, true) : expression(depth + 1);
        if (!next) return nullptr;
        result->parts.push_back(std::move(next));
        if (!at(TokenKind::Comma)) break;
        advance();
        if (!room(result->parts.size())) return nullptr;
    }
    if (!expect(TokenKind::RightBrace, "'}'")) return nullptr;
    result->span.end = m_last.end;
    return grown(*result) ? std::move(result) : nullptr;
}

/// `a`, `a:b` or `a:step:b`, each part of a range optional.
ExpressionPtr Parser::rangeOrExpression(int depth) {
    const Token token = m_token;
    ExpressionPtr start;
    if (!at(TokenKind::Colon)) {
        start = expression(depth);
        if (!start || !at(TokenKind::Colon)) return start;
    }
    auto result = node(ExpressionKind::Range, token);
    result->parts.resize(3);
    result->parts[0] = std::move(start);
    std::size_t part = 1;
    for (; at(TokenKind::Colon) && part < 3; ++part) {
        advance();
        if (at(TokenKind::Colon) || at(TokenKind::RightBracket) || at(TokenKind::Comma)) continue;
        result->parts[part] = expression(depth);
        if (!result->parts[part]) return nullptr;
    }
    if (part == 2) std::swap(result->parts[1], result->parts[2]); // no step
    result->span.end = m_last.end;
    return grown(*result) ? std::move(result) : nullptr;
}

ExpressionPtr Parser::indices(ExpressionPtr of, int depth) {
    auto result = std::make_unique<Expression>();
    result->kind = ExpressionKind::Index;
    result->span = of->span;
    result->parts.push_back(std::move(of));
    advance();
    while (!at(TokenKind::RightBracket)) {
        auto next = at(TokenKind::LeftBrace) ? set(depth + 1, false) : rangeOrExpression(depth + 1);
        if (!next) return nullptr;
        result->parts.push_back(std::move(next));
        if (!at(TokenKind::Comma)) break;
        advance();
        if (!room(result->parts.size())) return nullptr;
    }
    if (!expect(TokenKind::RightBracket, "']'")) return nullptr;
    if (result->parts.size() == 1) {
        m_messages.error(m_last, "an index is missing");
        return nullptr;
    }
    result->span.end = m_last.end;
    return grown(*result) ? std::move(result) : nullptr;
}

ExpressionPtr Parser::place() {
    const Token token = m_token;
    if (at(TokenKind::HardwareQubit)) {
        auto result = node(ExpressionKind::HardwareQubit, token);
        const std::string_view digits = token.text.substr(1);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), result->integer).ec != std::errc{} ||
            result->integer >= m_limits.qubits) {
            m_messages.error(token.span, fmt::format("'{}' is beyond the {} qubits that are the limit",
                                                     token.text.substr(0, 40), m_limits.qubits));
            return nullptr;
        }
        advance();
        return result;
    }
    if (!name("a register or a qubit")) return nullptr;
    auto result = node(ExpressionKind::Name, token);
    while (result && at(TokenKind::LeftBracket)) result = indices(std::move(result), 1);
    return result;
}

bool Parser::places(std::vector<ExpressionPtr>& into) {
    for (;;) {
        auto next = place();
        if (!next) return false;
        into.push_back(std::move(next));
        if (!at(TokenKind::Comma)) return true;
        advance();
        if (!room(into.size())) return false;
        if (at(TokenKind::Semicolon)) return true; // a comma at the end is allowed
    }
}

ExpressionPtr Parser::measure() {
    const Token token = m_token;
    advance();
    auto from = place();
    if (!from) return nullptr;
    auto result = node(ExpressionKind::Measure, token);
    result->span.end = m_last.end;
    result->parts.push_back(std::move(from));
    return result;
}

} // namespace qscope::engine::qasm3
