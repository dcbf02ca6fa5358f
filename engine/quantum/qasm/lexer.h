// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm/messages.h"

#include <string_view>

namespace qscope::engine::qasm {

enum class TokenKind : std::uint8_t {
    End, Identifier, Integer, Real, String,
    Semicolon, Comma, LeftParen, RightParen, LeftBracket, RightBracket, LeftBrace, RightBrace,
    Arrow, Equal, Plus, Minus, Times, Divide, Power
};

/// One word of the text; `text` points into it (without the quotes of a string).
struct Token {
    TokenKind kind = TokenKind::End;
    std::string_view text;
    SourceSpan span;
};

/// Cuts a text into tokens, one at a time; says so and goes on when a character fits nothing.
class Lexer {
public:
    Lexer(std::string_view text, Messages& messages) : m_text(text), m_messages(messages) {
        if (text.starts_with("\xEF\xBB\xBF")) m_at = m_lineStart = 3; // byte order mark
    }
    [[nodiscard]] Token next();

private:
    void skipBlanks();
    void skipBlockComment();
    void newLine();
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return m_at + ahead < m_text.size() ? m_text[m_at + ahead] : '\0';
    }
    [[nodiscard]] SourceSpan from(std::size_t begin) const;
    [[nodiscard]] Token token(TokenKind kind, std::size_t begin) const {
        return {kind, m_text.substr(begin, m_at - begin), from(begin)};
    }
    [[nodiscard]] Token number();
    [[nodiscard]] Token string();

    std::string_view m_text;
    Messages& m_messages;
    std::size_t m_at = 0;
    std::size_t m_lineStart = 0;
    int m_line = 1;
};

} // namespace qscope::engine::qasm
