// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/qasm3/lexer.h"
#include "engine/quantum/qasm3/syntax.h"

namespace qscope::engine::qasm3 {

/// Recursive descent over OpenQASM 3, one statement of the outermost level at a time so that a long text is never held
/// twice. A statement with an error is reported and skipped, those in its body one by one.
class Parser {
public:
    Parser(std::string_view text, Messages& messages, const ReadLimits& limits);
    /// The next well-formed statement; nothing at the end of the text or when the messages say stop.
    [[nodiscard]] std::optional<Statement> next();
    /// "3.0" or what the text says after OPENQASM.
    [[nodiscard]] const std::string& version() const { return m_version; }

private:
    // Each returns nothing (or false, or null) after it has reported what is wrong; `m_token` then stands at the offending
    // token. parser.cpp
    [[nodiscard]] bool versionLine();
    [[nodiscard]] std::optional<Statement> guarded(int depth);
    [[nodiscard]] std::optional<Statement> statement(int depth);
    [[nodiscard]] bool statementOf(Statement& into, int depth);
    [[nodiscard]] bool named(Statement& into);
    [[nodiscard]] bool simple(Statement& into, int depth, bool& known);
    [[nodiscard]] bool gateCall(GateCall& into);
    [[nodiscard]] bool modifiers(std::vector<Modifier>& into);
    [[nodiscard]] bool measurement(Statement& into);
    [[nodiscard]] bool delay(Delay& into);
    // parser_bodies.cpp
    [[nodiscard]] bool compound(Statement& into, int depth, bool& known);
    [[nodiscard]] std::shared_ptr<const Body> body(int depth, bool braces);
    [[nodiscard]] bool gateDefinition(GateDefinition& into, int depth);
    [[nodiscard]] bool subroutine(Subroutine& into, int depth, bool external);
    [[nodiscard]] bool ifStatement(If& into, int depth);
    [[nodiscard]] bool forStatement(For& into, int depth);
    [[nodiscard]] bool whileStatement(While& into, int depth);
    [[nodiscard]] bool switchStatement(Switch& into, int depth);
    [[nodiscard]] bool box(Block& into, int depth);
    [[nodiscard]] bool calibration(Ignored& into);
    // parser_types.cpp
    [[nodiscard]] bool atType() const;
    [[nodiscard]] std::unique_ptr<Type> type(bool argument);
    [[nodiscard]] bool arrayType(Type& into, bool argument);
    [[nodiscard]] bool declaration(Declaration& into);
    [[nodiscard]] bool oldRegister(Declaration& into);
    [[nodiscard]] bool designator(ExpressionPtr& into, bool needed);
    // parser_expressions.cpp
    [[nodiscard]] ExpressionPtr expression(int depth = 0, int precedence = 1);
    [[nodiscard]] ExpressionPtr operand(int depth);
    [[nodiscard]] ExpressionPtr primary(int depth);
    [[nodiscard]] ExpressionPtr number();
    [[nodiscard]] ExpressionPtr indices(ExpressionPtr of, int depth);
    [[nodiscard]] ExpressionPtr rangeOrExpression(int depth);
    [[nodiscard]] ExpressionPtr set(int depth, bool nested);
    [[nodiscard]] ExpressionPtr measure();
    /// A place that qubits or bits are taken from: a name with indices, or a hardware qubit.
    [[nodiscard]] ExpressionPtr place();
    [[nodiscard]] bool list(std::vector<ExpressionPtr>& into, TokenKind end, int depth);
    [[nodiscard]] bool places(std::vector<ExpressionPtr>& into);
    [[nodiscard]] bool grown(Expression& expression);

    void advance();
    [[nodiscard]] bool at(TokenKind kind) const { return m_token.kind == kind; }
    [[nodiscard]] bool atWord(std::string_view word) const { return at(TokenKind::Identifier) && m_token.text == word; }
    [[nodiscard]] bool atOperator(ClassicalOp op) const {
        return at(TokenKind::Operator) && m_token.op == op && !m_token.assigns;
    }
    [[nodiscard]] bool expect(TokenKind kind, const char* what);
    [[nodiscard]] bool endOfStatement();
    [[nodiscard]] bool room(std::size_t held);
    /// A name that is no word of the language.
    [[nodiscard]] std::optional<Name> name(const char* what);
    [[nodiscard]] bool names(std::vector<Name>& into);
    [[nodiscard]] SourceSpan since(const SourceSpan& begin) const;
    [[nodiscard]] bool deep(int depth);
    void recover();

    Messages& m_messages;
    const ReadLimits& m_limits;
    Lexer m_lexer;
    Token m_token;
    SourceSpan m_last; ///< of the token before `m_token`
    std::string m_version = "3.0";
    bool m_first = true;
};

/// Words that no name may be.
[[nodiscard]] bool isKeyword(std::string_view word);

} // namespace qscope::engine::qasm3
