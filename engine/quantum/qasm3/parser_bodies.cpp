// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/parser.h"

#include <fmt/format.h>

#include <charconv>

namespace qscope::engine::qasm3 {

/// Statements that hold others. `known` is false when the word begins none of them.
bool Parser::compound(Statement& into, int depth, bool& known) {
    const std::string_view word = m_token.text;
    if (word == "gate") return gateDefinition(into.what.emplace<GateDefinition>(), depth);
    if (word == "def") return subroutine(into.what.emplace<Subroutine>(), depth, false);
    if (word == "extern") return subroutine(into.what.emplace<Subroutine>(), depth, true);
    if (word == "if") return ifStatement(into.what.emplace<If>(), depth);
    if (word == "for") return forStatement(into.what.emplace<For>(), depth);
    if (word == "while") return whileStatement(into.what.emplace<While>(), depth);
    if (word == "switch") return switchStatement(into.what.emplace<Switch>(), depth);
    if (word == "box") return box(into.what.emplace<Block>(), depth);
    if (word == "cal" || word == "defcal" || word == "defcalgrammar") return calibration(into.what.emplace<Ignored>());
    return known = false;
}

/// Statements in braces, or a single one where the language allows it. Errors inside do not end the body.
std::shared_ptr<const Body> Parser::body(int depth, bool braces) {
    auto result = std::make_shared<Body>();
    if (!at(TokenKind::LeftBrace)) {
        if (braces) {
            if (!expect(TokenKind::LeftBrace, "'{'")) return nullptr;
        } else {
            auto only = statement(depth);
            if (!only) return nullptr;
            result->push_back(std::move(*only));
            return result;
        }
    }
    advance();
    while (!at(TokenKind::RightBrace) && !at(TokenKind::End) && !m_messages.stopped()) {
        if (auto read = guarded(depth)) result->push_back(std::move(*read));
        if (result->size() >= m_limits.operations) {
            m_messages.fatal(m_last, fmt::format("a body with more than {} statements", m_limits.operations));
            return nullptr;
        }
    }
    if (!expect(TokenKind::RightBrace, "'}' at the end of this body")) return nullptr;
    return result;
}

bool Parser::gateDefinition(GateDefinition& into, int depth) {
    advance();
    const auto id = name("the gate's name");
    if (!id) return false;
    into.name = *id;
    if (at(TokenKind::LeftParen)) {
        advance();
        if (!at(TokenKind::RightParen) && !names(into.parameters)) return false;
        if (!expect(TokenKind::RightParen, "')' after the parameters")) return false;
    }
    if (!names(into.qubits)) return false;
    into.body = body(depth + 1, true);
    return into.body != nullptr;
}

bool Parser::subroutine(Subroutine& into, int depth, bool external) {
    advance();
    const auto id = name("the subroutine's name");
    if (!id || !expect(TokenKind::LeftParen, "'(' and the arguments")) return false;
    into.name = *id;
    while (!at(TokenKind::RightParen)) {
        SubroutineParameter parameter;
        const bool old = atWord("qreg") || atWord("creg");
        if (old) {
            // `creg name[size]`, without a name in `extern`.
            parameter.type.kind = atWord("qreg") ? TypeKind::Qubit : TypeKind::Bit;
            parameter.type.span = m_token.span;
            advance();
            if (!external) {
                const auto formal = name("an argument's name");
                if (!formal) return false;
                parameter.name = *formal;
            }
            if (!designator(parameter.type.width, false)) return false;
        } else {
            auto read = type(true);
            if (!read) return false;
            parameter.type = std::move(*read);
            if (!external) {
                const auto formal = name("an argument's name");
                if (!formal) return false;
                parameter.name = *formal;
            }
        }
        into.parameters.push_back(std::move(parameter));
        if (!at(TokenKind::Comma)) break;
        advance();
        if (!room(into.parameters.size())) return false;
    }
    if (!expect(TokenKind::RightParen, "')' after the arguments")) return false;
    if (at(TokenKind::Arrow)) {
        advance();
        auto result = type(false);
        if (!result) return false;
        into.result = std::move(*result);
    }
    if (external) return endOfStatement();
    into.body = body(depth + 1, true);
    return into.body != nullptr;
}

bool Parser::ifStatement(If& into, int depth) {
    advance();
    if (!expect(TokenKind::LeftParen, "'(' after 'if'")) return false;
    into.condition = expression();
    if (!into.condition || !expect(TokenKind::RightParen, "')' after the condition")) return false;
    into.then = body(depth + 1, false);
    if (!into.then) return false;
    if (!atWord("else")) return true;
    advance();
    into.otherwise = body(depth + 1, false);
    return into.otherwise != nullptr;
}

bool Parser::forStatement(For& into, int depth) {
    advance();
    if (atType()) {
        auto read = type(false);
        if (!read) return false;
        into.type = std::move(*read);
    }
    const auto variable = name("the loop's variable");
    if (!variable) return false;
    into.variable = *variable;
    if (!into.type)
        m_messages.once(Severity::Warning, variable->span,
                        "the loop's variable has no type, as in texts before OpenQASM 3.0; it is taken for an int");
    if (!atWord("in")) return expect(TokenKind::End, "'in' and what to loop over");
    advance();
    if (at(TokenKind::LeftBracket)) {
        advance();
        into.range = rangeOrExpression(1);
        if (!into.range || !expect(TokenKind::RightBracket, "']' after the range")) return false;
    } else {
        into.range = at(TokenKind::LeftBrace) ? set(1, false) : expression();
    }
    if (!into.range) return false;
    into.body = body(depth + 1, false);
    return into.body != nullptr;
}

bool Parser::whileStatement(While& into, int depth) {
    advance();
    if (!expect(TokenKind::LeftParen, "'(' after 'while'")) return false;
    into.condition = expression();
    if (!into.condition || !expect(TokenKind::RightParen, "')' after the condition")) return false;
    into.body = body(depth + 1, false);
    return into.body != nullptr;
}

bool Parser::switchStatement(Switch& into, int depth) {
    advance();
    if (!expect(TokenKind::LeftParen, "'(' after 'switch'")) return false;
    into.value = expression();
    if (!into.value || !expect(TokenKind::RightParen, "')'") || !expect(TokenKind::LeftBrace, "'{' and the cases"))
        return false;
    while (!at(TokenKind::RightBrace)) {
        SwitchCase next;
        const bool isDefault = atWord("default");
        if (!isDefault && !atWord("case")) return expect(TokenKind::RightBrace, "'case', 'default' or '}'");
        if (!into.cases.empty() && into.cases.back().values.empty()) {
            m_messages.error(m_token.span, "nothing follows 'default'");
            return false;
        }
        advance();
        while (!isDefault && !at(TokenKind::LeftBrace)) {
            auto value = expression();
            if (!value) return false;
            next.values.push_back(std::move(value));
            if (!at(TokenKind::Comma)) break;
            advance();
            if (!room(next.values.size())) return false;
        }
        if (!isDefault && next.values.empty()) return expect(TokenKind::Integer, "a value after 'case'");
        next.body = body(depth + 1, true);
        if (!next.body) return false;
        into.cases.push_back(std::move(next));
        if (!room(into.cases.size())) return false;
    }
    if (into.cases.empty()) {
        m_messages.error(m_token.span, "a 'switch' without cases");
        return false;
    }
    advance();
    return true;
}

bool Parser::box(Block& into, int depth) {
    m_messages.once(Severity::Note, m_token.span, "a 'box' says when its gates run; they are simulated without it");
    advance();
    ExpressionPtr duration;
    if (at(TokenKind::LeftBracket) && !designator(duration, true)) return false;
    into.body = body(depth + 1, true);
    return into.body != nullptr;
}

bool Parser::calibration(Ignored& into) {
    const std::string_view word = m_token.text;
    into.what = word == "cal" ? "'cal'" : word == "defcal" ? "'defcal'" : "'defcalgrammar'";
    advance();
    if (word == "defcalgrammar") return expect(TokenKind::String, "a grammar's name in quotes") && endOfStatement();
    if (word == "defcal") {
        const bool good = atWord("measure") || atWord("reset") || atWord("delay");
        if (good) advance();
        else if (!name("what is calibrated")) return false;
        if (at(TokenKind::LeftParen)) {
            advance();
            while (!at(TokenKind::RightParen)) {
                if (atType()) {
                    if (!type(true) || !name("an argument's name")) return false;
                } else if (!expression()) return false;
                if (!at(TokenKind::Comma)) break;
                advance();
            }
            if (!expect(TokenKind::RightParen, "')'")) return false;
        }
        std::vector<ExpressionPtr> operands;
        if (!places(operands)) return false;
        for (const auto& operand : operands)
            if (operand->kind == ExpressionKind::HardwareQubit) into.qubits = std::max(into.qubits, operand->integer + 1);
        if (at(TokenKind::Arrow)) {
            advance();
            if (!type(false)) return false;
        }
    }
    if (!at(TokenKind::LeftBrace)) return expect(TokenKind::LeftBrace, "'{' and the calibration");
    // The body has a grammar of its own.
    const SourceSpan opening = m_token.span;
    if (!m_lexer.skipBlock()) {
        m_messages.error(opening, "this '{' is never closed");
        return false;
    }
    advance();
    return true;
}

} // namespace qscope::engine::qasm3
