// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/qasm/ast.h"
#include "engine/quantum/qasm/lexer.h"

namespace qscope::engine::qasm {

/// Recursive descent over OpenQASM 2, one statement at a time so that a long text is never held twice.
/// A statement with an error is reported and skipped.
class Parser {
public:
    Parser(std::string_view text, Messages& messages, const ReadLimits& limits);
    /// The next well-formed statement; nothing at the end of the text or when the messages say stop.
    [[nodiscard]] std::optional<Statement> next();

private:
    // Each returns nothing after it has reported what is wrong; `m_token` then stands at the offending token.
    [[nodiscard]] std::optional<Statement> statement();
    [[nodiscard]] std::optional<Statement> version();
    [[nodiscard]] std::optional<Statement> include();
    [[nodiscard]] std::optional<Statement> registers(bool quantum);
    [[nodiscard]] std::optional<Statement> gate(bool opaque);
    [[nodiscard]] std::optional<Statement> action();
    [[nodiscard]] std::optional<ConditionClause> condition();
    [[nodiscard]] std::optional<CallStatement> call();
    [[nodiscard]] std::optional<MeasureStatement> measure();
    [[nodiscard]] std::optional<ResetStatement> reset();
    [[nodiscard]] std::optional<BarrierStatement> barrier();
    [[nodiscard]] std::optional<Argument> argument();
    [[nodiscard]] bool arguments(std::vector<Argument>& into);
    [[nodiscard]] bool names(std::vector<Name>& into);
    [[nodiscard]] std::optional<Name> name(const char* what);
    [[nodiscard]] std::optional<std::uint64_t> integer(const char* what);
    /// Binds at least as strongly as `precedence`: 1 sums, 2 products, 3 signs, 4 powers.
    [[nodiscard]] bool expression(Expression& into, int precedence, int depth);
    [[nodiscard]] bool operand(Expression& into, int depth);

    void advance();
    /// Whether a list that holds `held` parts may grow; ends the reading when not.
    [[nodiscard]] bool room(std::size_t held);
    [[nodiscard]] bool at(TokenKind kind) const { return m_token.kind == kind; }
    [[nodiscard]] bool atWord(std::string_view word) const { return at(TokenKind::Identifier) && m_token.text == word; }
    [[nodiscard]] bool expect(TokenKind kind, const char* what);
    [[nodiscard]] bool endOfStatement();
    void recover();

    Messages& m_messages;
    const ReadLimits& m_limits;
    Lexer m_lexer;
    Token m_token;
    SourceSpan m_last; ///< of the token before `m_token`
    bool m_first = true;
};

} // namespace qscope::engine::qasm
