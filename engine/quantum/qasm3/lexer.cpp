// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/lexer.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>

namespace qscope::engine::qasm3 {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
int digitOf(char c) {
    if (isDigit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

struct Sign {
    std::string_view text;
    ClassicalOp op;
};
/// Longest first.
constexpr Sign kOperators[] = {
    {"**", ClassicalOp::Power},      {"<<", ClassicalOp::ShiftLeft},     {">>", ClassicalOp::ShiftRight},
    {"++", ClassicalOp::Concatenate}, {"==", ClassicalOp::Equal},         {"!=", ClassicalOp::NotEqual},
    {"<=", ClassicalOp::LessEqual},  {">=", ClassicalOp::GreaterEqual},  {"&&", ClassicalOp::LogicalAnd},
    {"||", ClassicalOp::LogicalOr},  {"+", ClassicalOp::Add},            {"-", ClassicalOp::Subtract},
    {"*", ClassicalOp::Multiply},    {"/", ClassicalOp::Divide},         {"%", ClassicalOp::Modulo},
    {"<", ClassicalOp::Less},        {">", ClassicalOp::Greater},        {"&", ClassicalOp::And},
    {"|", ClassicalOp::Or},          {"^", ClassicalOp::Xor},            {"~", ClassicalOp::Complement},
    {"!", ClassicalOp::Not}};

/// Whether `+=` and the like exist for it.
bool hasAssignment(ClassicalOp op) {
    return (op >= ClassicalOp::Power && op <= ClassicalOp::ShiftRight) || (op >= ClassicalOp::And && op <= ClassicalOp::Or);
}

} // namespace

SourceSpan Lexer::from(std::size_t begin) const {
    return {begin, m_at, m_line, static_cast<int>(begin - m_lineStart) + 1};
}

void Lexer::newLine() {
    ++m_at;
    ++m_line;
    m_lineStart = m_at;
}

void Lexer::skipLine() {
    while (m_at < m_text.size() && peek() != '\n') ++m_at;
}

bool Lexer::skipBlock() {
    for (int depth = 1; m_at < m_text.size();) {
        skipBlanks();
        const char c = peek();
        if (c == '{') ++depth;
        if (c == '\n') newLine();
        else ++m_at;
        if (c == '}' && --depth == 0) return true;
    }
    return false;
}

void Lexer::skipBlanks() {
    while (m_at < m_text.size()) {
        const char c = peek();
        if (c == '\n') newLine();
        else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') ++m_at;
        else if (c == '/' && peek(1) == '/') skipLine();
        else if (c == '/' && peek(1) == '*') {
            const std::size_t begin = m_at;
            m_at += 2;
            const SourceSpan opening = from(begin);
            while (m_at < m_text.size() && !(peek() == '*' && peek(1) == '/')) {
                if (peek() == '\n') newLine();
                else ++m_at;
            }
            if (m_at >= m_text.size()) m_messages.error(opening, "this comment is never closed");
            else m_at += 2;
        } else return;
    }
}

std::size_t Lexer::nameLetter(bool first) const {
    const char c = peek();
    const char lower = static_cast<char>(c | 0x20);
    if ((lower >= 'a' && lower <= 'z') || c == '_') return 1;
    if (isDigit(c)) return first ? 0 : 1;
    if (static_cast<unsigned char>(c) < 0x80) return 0;
    utf8proc_int32_t point = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(m_text.data()) + m_at,
                                         static_cast<utf8proc_ssize_t>(m_text.size() - m_at), &point);
    if (length <= 0) return 0;
    const auto category = utf8proc_category(point);
    const bool letter = (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) || category == UTF8PROC_CATEGORY_NL;
    return letter ? static_cast<std::size_t>(length) : 0;
}

bool Lexer::digits(int base) {
    const std::size_t begin = m_at;
    bool good = true;
    while (digitOf(peek()) < base || peek() == '_') {
        if (peek() == '_') good = good && m_at > begin && digitOf(peek(1)) < base;
        ++m_at;
    }
    return good && m_at > begin;
}

Token Lexer::number() {
    const std::size_t begin = m_at;
    TokenKind kind = TokenKind::Integer;
    bool good = true;
    const char letter = static_cast<char>(peek(1) | 0x20);
    const int base = peek() != '0' ? 10 : letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    if (base != 10) {
        m_at += 2;
        good = digits(base);
    } else {
        if (isDigit(peek())) good = digits(10);
        if (peek() == '.') {
            kind = TokenKind::Real;
            ++m_at;
            if (isDigit(peek())) good = digits(10) && good;
        }
        const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        if ((peek() == 'e' || peek() == 'E') && isDigit(peek(1 + sign))) {
            kind = TokenKind::Real;
            m_at += 1 + sign;
            good = digits(10) && good;
        }
        const std::size_t unit = m_at;
        while (const std::size_t length = nameLetter(false)) m_at += length;
        const std::string_view suffix = m_text.substr(unit, m_at - unit);
        if (suffix == "im") kind = TokenKind::Imaginary;
        else if (suffix == "ns" || suffix == "us" || suffix == "µs" || suffix == "μs" || suffix == "ms" || suffix == "s" || suffix == "dt")
            kind = TokenKind::Timing;
        else good = good && suffix.empty();
    }
    while (const std::size_t length = peek() == '.' ? 1 : nameLetter(false)) {
        good = false;
        m_at += length;
    }
    if (good) return token(kind, begin);
    const Token broken = token(TokenKind::Broken, begin);
    m_messages.error(broken.span, fmt::format("'{}' is not a number", broken.text.substr(0, 40)));
    return broken;
}

Token Lexer::string(char quote) {
    const std::size_t begin = m_at++;
    while (m_at < m_text.size() && peek() != quote && peek() != '\n') ++m_at;
    const SourceSpan span = from(begin);
    const std::string_view inside = m_text.substr(begin + 1, m_at - begin - 1);
    if (peek() == quote) ++m_at;
    else m_messages.error(span, "this string is not closed on its line");
    return {TokenKind::String, inside, span, ClassicalOp::Constant, false};
}

std::optional<Token> Lexer::sign() {
    const std::size_t begin = m_at;
    const std::string_view rest = m_text.substr(m_at, 3);
    if (rest.starts_with("->")) {
        m_at += 2;
        return token(TokenKind::Arrow, begin);
    }
    for (const Sign& known : kOperators) {
        if (!rest.starts_with(known.text)) continue;
        m_at += known.text.size();
        const bool assigns = hasAssignment(known.op) && peek() == '=' && peek(1) != '=';
        if (assigns) ++m_at;
        Token result = token(TokenKind::Operator, begin);
        result.op = known.op;
        result.assigns = assigns;
        return result;
    }
    constexpr std::string_view kMarks = ";,:@#()[]{}=";
    constexpr TokenKind kKinds[] = {TokenKind::Semicolon, TokenKind::Comma, TokenKind::Colon, TokenKind::At, TokenKind::Hash,
                                    TokenKind::LeftParen, TokenKind::RightParen, TokenKind::LeftBracket,
                                    TokenKind::RightBracket, TokenKind::LeftBrace, TokenKind::RightBrace, TokenKind::Assign};
    const std::size_t found = kMarks.find(peek());
    if (found == std::string_view::npos) return std::nullopt;
    ++m_at;
    return token(kKinds[found], begin);
}

Token Lexer::next() {
    for (;;) {
        skipBlanks();
        if (m_at >= m_text.size() || m_messages.stopped()) {
            m_at = m_text.size();
            return token(TokenKind::End, m_text.size());
        }
        const std::size_t begin = m_at;
        const char c = peek();
        if (nameLetter(true) > 0) {
            while (const std::size_t length = nameLetter(false)) m_at += length;
            return token(TokenKind::Identifier, begin);
        }
        if (isDigit(c) || (c == '.' && isDigit(peek(1)))) return number();
        if (c == '"' || c == '\'') return string(c);
        if (c == '$' && isDigit(peek(1))) {
            ++m_at;
            while (isDigit(peek())) ++m_at;
            return token(TokenKind::HardwareQubit, begin);
        }
        if (const auto read = sign()) return *read;
        ++m_at;
        // One message for a whole run of strange bytes.
        while (m_at < m_text.size() && static_cast<unsigned char>(peek()) >= 0x80 && nameLetter(true) == 0) ++m_at;
        if (c > ' ' && c < 0x7F) m_messages.error(from(begin), fmt::format("'{}' has no meaning here", c));
        else m_messages.error(from(begin), "a character that belongs to no name has no meaning here");
    }
}

} // namespace qscope::engine::qasm3
