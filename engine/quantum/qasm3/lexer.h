// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/classical.h"
#include "engine/quantum/qasm/messages.h"

#include <optional>
#include <string_view>

namespace qscope::engine::qasm3 {

using qasm::Messages;

enum class TokenKind : std::uint8_t {
    End, Identifier, HardwareQubit, Integer, Real, Imaginary, Timing, String, Broken,
    Semicolon, Comma, Colon, At, Hash, LeftParen, RightParen, LeftBracket, RightBracket, LeftBrace, RightBrace,
    Arrow, Assign,
    Operator ///< `Token::op`; with `assigns` it is `+=` and the like
};

/// One word of the text; `text` points into it (without the quotes of a string).
struct Token {
    TokenKind kind = TokenKind::End;
    std::string_view text;
    SourceSpan span;
    ClassicalOp op = ClassicalOp::Constant;
    bool assigns = false;
};

/// Cuts a text of OpenQASM 3 into tokens, one at a time; says so and goes on when something fits nothing.
class Lexer {
public:
    Lexer(std::string_view text, Messages& messages) : m_text(text), m_messages(messages) {
        if (text.starts_with("\xEF\xBB\xBF")) m_at = m_lineStart = 3; // byte order mark
    }
    [[nodiscard]] Token next();
    /// Everything up to the end of the line, for pragmas and annotations.
    void skipLine();
    /// Up to behind the brace that closes the one just read, for calibrations in languages of their own.
    /// False at the end of the text.
    [[nodiscard]] bool skipBlock();

private:
    void skipBlanks();
    void newLine();
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return m_at + ahead < m_text.size() ? m_text[m_at + ahead] : '\0';
    }
    /// Length of the letter, digit or other part of a name at this place; 0 for anything else.
    [[nodiscard]] std::size_t nameLetter(bool first) const;
    [[nodiscard]] SourceSpan from(std::size_t begin) const;
    [[nodiscard]] Token token(TokenKind kind, std::size_t begin) const {
        return {kind, m_text.substr(begin, m_at - begin), from(begin), ClassicalOp::Constant, false};
    }
    [[nodiscard]] Token number();
    [[nodiscard]] Token string(char quote);
    [[nodiscard]] std::optional<Token> sign();
    /// Digits that belong to `base`, single underscores between them; false when there are none or one is misplaced.
    [[nodiscard]] bool digits(int base);

    std::string_view m_text;
    Messages& m_messages;
    std::size_t m_at = 0;
    std::size_t m_lineStart = 0;
    int m_line = 1;
};

} // namespace qscope::engine::qasm3
