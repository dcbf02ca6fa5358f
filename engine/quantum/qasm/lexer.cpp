// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/lexer.h"

#include <fmt/format.h>

namespace qscope::engine::qasm {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

} // namespace

SourceSpan Lexer::from(std::size_t begin) const {
    return {begin, m_at, m_line, static_cast<int>(begin - m_lineStart) + 1};
}

void Lexer::newLine() {
    ++m_at;
    ++m_line;
    m_lineStart = m_at;
}

void Lexer::skipBlockComment() {
    const std::size_t begin = m_at;
    m_at += 2;
    const SourceSpan opening = from(begin);
    m_messages.once(Severity::Note, opening, "block comments are not part of OpenQASM 2; they are skipped");
    while (m_at < m_text.size() && !(peek() == '*' && peek(1) == '/')) {
        if (peek() == '\n') newLine();
        else ++m_at;
    }
    if (m_at >= m_text.size()) m_messages.error(opening, "this comment is never closed");
    else m_at += 2;
}

void Lexer::skipBlanks() {
    while (m_at < m_text.size()) {
        const char c = peek();
        if (c == '\n') newLine();
        else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') ++m_at;
        else if (c == '/' && peek(1) == '/')
            while (m_at < m_text.size() && peek() != '\n') ++m_at;
        else if (c == '/' && peek(1) == '*') skipBlockComment();
        else return;
    }
}

Token Lexer::number() {
    const std::size_t begin = m_at;
    bool real = false;
    while (isDigit(peek())) ++m_at;
    if (peek() == '.') {
        real = true;
        ++m_at;
        while (isDigit(peek())) ++m_at;
    }
    if (peek() == 'e' || peek() == 'E') {
        const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        if (isDigit(peek(1 + sign))) {
            real = true;
            m_at += 1 + sign;
            while (isDigit(peek())) ++m_at;
        }
    }
    return token(real ? TokenKind::Real : TokenKind::Integer, begin);
}

Token Lexer::string() {
    const std::size_t begin = m_at++;
    while (m_at < m_text.size() && peek() != '"' && peek() != '\n') ++m_at;
    const SourceSpan span = from(begin);
    const std::string_view inside = m_text.substr(begin + 1, m_at - begin - 1);
    if (peek() == '"') ++m_at;
    else m_messages.error(span, "this string is not closed on its line");
    return {TokenKind::String, inside, span};
}

Token Lexer::next() {
    for (;;) {
        skipBlanks();
        if (m_at >= m_text.size()) return token(TokenKind::End, m_text.size());
        const std::size_t begin = m_at;
        const char c = peek();
        if (isLetter(c)) {
            while (isLetter(peek()) || isDigit(peek())) ++m_at;
            return token(TokenKind::Identifier, begin);
        }
        if (isDigit(c) || (c == '.' && isDigit(peek(1)))) return number();
        if (c == '"') return string();
        if ((c == '-' && peek(1) == '>') || (c == '=' && peek(1) == '=')) {
            m_at += 2;
            return token(c == '-' ? TokenKind::Arrow : TokenKind::Equal, begin);
        }
        ++m_at;
        switch (c) {
        case ';': return token(TokenKind::Semicolon, begin);
        case ',': return token(TokenKind::Comma, begin);
        case '(': return token(TokenKind::LeftParen, begin);
        case ')': return token(TokenKind::RightParen, begin);
        case '[': return token(TokenKind::LeftBracket, begin);
        case ']': return token(TokenKind::RightBracket, begin);
        case '{': return token(TokenKind::LeftBrace, begin);
        case '}': return token(TokenKind::RightBrace, begin);
        case '+': return token(TokenKind::Plus, begin);
        case '-': return token(TokenKind::Minus, begin);
        case '*': return token(TokenKind::Times, begin);
        case '/': return token(TokenKind::Divide, begin);
        case '^': return token(TokenKind::Power, begin);
        default: break;
        }
        // One message for a whole run of strange bytes, such as a character outside ASCII.
        while (m_at < m_text.size() && static_cast<unsigned char>(peek()) >= 0x80) ++m_at;
        if (c > ' ' && c < 0x7F) m_messages.error(from(begin), fmt::format("'{}' has no meaning here", c));
        else m_messages.error(from(begin), "a character outside printable ASCII has no meaning here");
        if (m_messages.stopped()) m_at = m_text.size();
    }
}

} // namespace qscope::engine::qasm
