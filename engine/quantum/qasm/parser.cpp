// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/parser.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace qscope::engine::qasm {

namespace {

/// From the beginning of one place to the end of another.
SourceSpan across(SourceSpan begin, const SourceSpan& end) {
    begin.end = std::max(begin.end, end.end);
    return begin;
}

std::string described(const Token& token) {
    if (token.kind == TokenKind::End) return "the end of the text";
    return fmt::format("'{}'", token.text.substr(0, 40));
}

bool isVersionThree(std::string_view version) { return version.starts_with('3'); }

/// Words that begin a statement of OpenQASM 3 and nothing sensible in OpenQASM 2.
bool isOpenQasm3Word(std::string_view word) {
    for (const char* known : {"qubit", "bit", "input", "output", "let", "def", "defcal", "defcalgrammar", "for", "while",
                              "const", "int", "uint", "float", "angle", "ctrl", "inv", "gphase", "extern", "box", "cal",
                              "stretch", "duration"})
        if (word == known) return true;
    return false;
}

} // namespace

Parser::Parser(std::string_view text, Messages& messages, const ReadLimits& limits)
    : m_messages(messages), m_limits(limits), m_lexer(text, messages) {
    m_token = m_lexer.next();
}

void Parser::advance() {
    m_last = m_token.span;
    m_token = m_lexer.next();
}

bool Parser::expect(TokenKind kind, const char* what) {
    if (at(kind)) {
        advance();
        return true;
    }
    m_messages.error(m_token.span, fmt::format("expected {} instead of {}", what, described(m_token)));
    return false;
}

bool Parser::endOfStatement() {
    if (at(TokenKind::Semicolon)) {
        advance();
        return true;
    }
    if (at(TokenKind::End)) {
        m_messages.warning(m_last, "the last statement lacks its ';'");
        return true;
    }
    // Said where the ';' belongs. A new line starts a new statement: what follows is then read as usual.
    const bool newLine = m_token.span.line > m_last.line;
    m_messages.error(m_last, fmt::format("expected ';' after this, before {}", described(m_token)), "add ';'");
    return newLine;
}

void Parser::recover() {
    int braces = 0;
    while (!at(TokenKind::End) && !m_messages.stopped()) {
        if (at(TokenKind::LeftBrace)) ++braces;
        if (at(TokenKind::RightBrace) && --braces <= 0) {
            advance();
            return;
        }
        const bool end = at(TokenKind::Semicolon) && braces == 0;
        advance();
        if (end) return;
    }
}

std::optional<Statement> Parser::next() {
    while (!at(TokenKind::End) && !m_messages.stopped()) {
        if (at(TokenKind::Semicolon)) {
            advance();
            continue;
        }
        if (auto read = statement()) return read;
        if (!m_messages.stopped()) recover();
    }
    return std::nullopt;
}

std::optional<Statement> Parser::statement() {
    const bool first = std::exchange(m_first, false);
    if (atWord("OPENQASM")) {
        if (!first) m_messages.error(m_token.span, "the version belongs on the first line, once");
        return version();
    }
    if (first) m_messages.warning(m_token.span, "no 'OPENQASM 2.0;' at the beginning; read as OpenQASM 2.0");
    if (!at(TokenKind::Identifier)) {
        m_messages.error(m_token.span, fmt::format("a statement cannot begin with {}", described(m_token)));
        return std::nullopt;
    }
    if (m_token.text == "include") return include();
    if (m_token.text == "qreg") return registers(true);
    if (m_token.text == "creg") return registers(false);
    if (m_token.text == "gate") return gate(false);
    if (m_token.text == "opaque") return gate(true);
    if (first && isOpenQasm3Word(m_token.text)) {
        m_messages.fatal(m_token.span, fmt::format("OpenQASM 3 is not read yet: line {}", m_token.span.line));
        return std::nullopt;
    }
    return action();
}

std::optional<Statement> Parser::version() {
    advance();
    const Token number = m_token;
    if (isVersionThree(number.text)) {
        m_messages.fatal(number.span, fmt::format("OpenQASM 3 is not read yet: line {}", number.span.line));
        return std::nullopt;
    }
    if (!at(TokenKind::Real) && !at(TokenKind::Integer)) {
        m_messages.error(m_token.span, fmt::format("expected a version instead of {}", described(m_token)));
        return std::nullopt;
    }
    if (number.text != "2.0" && number.text != "2")
        m_messages.error(number.span, fmt::format("OpenQASM {} is not known; 2.0 is", number.text.substr(0, 40)));
    advance();
    if (at(TokenKind::End)) {
        m_messages.error(m_last, "expected ';' and a circuit after the version");
        return std::nullopt;
    }
    if (!endOfStatement()) return std::nullopt;
    return VersionStatement{{number.text, number.span}};
}

std::optional<Statement> Parser::include() {
    advance();
    const Token file = m_token;
    if (!expect(TokenKind::String, "a file name in quotes") || !endOfStatement()) return std::nullopt;
    return IncludeStatement{{file.text, file.span}};
}

std::optional<Statement> Parser::registers(bool quantum) {
    advance();
    const auto id = name("a register's name");
    if (!id || !expect(TokenKind::LeftBracket, "'[' and the register's size")) return std::nullopt;
    const auto size = integer("the register's size");
    if (!size || !expect(TokenKind::RightBracket, "']'") || !endOfStatement()) return std::nullopt;
    return RegisterStatement{quantum, *id, *size};
}

std::optional<Statement> Parser::gate(bool opaque) {
    const SourceSpan begin = m_token.span;
    advance();
    GateStatement result;
    result.opaque = opaque;
    const auto id = name("the gate's name");
    if (!id) return std::nullopt;
    result.name = *id;
    if (at(TokenKind::LeftParen)) {
        advance();
        if (!at(TokenKind::RightParen) && !names(result.parameters)) return std::nullopt;
        if (!expect(TokenKind::RightParen, "')' after the parameters")) return std::nullopt;
    }
    if (!names(result.qubits)) return std::nullopt;
    result.span = across(begin, m_last);
    if (opaque) {
        if (!endOfStatement()) return std::nullopt;
        return result;
    }
    if (!expect(TokenKind::LeftBrace, "'{' and the gate's body")) return std::nullopt;
    bool good = true;
    while (!at(TokenKind::RightBrace) && !at(TokenKind::End) && !m_messages.stopped()) {
        const bool isBarrier = atWord("barrier");
        auto line = isBarrier ? std::optional<CallStatement>{} : call();
        auto wall = isBarrier ? barrier() : std::optional<BarrierStatement>{};
        if (result.body.size() >= m_limits.operations) {
            m_messages.fatal(m_last, fmt::format("gate '{}' has more than {} lines", id->text, m_limits.operations));
            return std::nullopt;
        }
        if (line) result.body.emplace_back(std::move(*line));
        else if (wall) result.body.emplace_back(std::move(*wall));
        else {
            good = false;
            while (!at(TokenKind::Semicolon) && !at(TokenKind::RightBrace) && !at(TokenKind::End)) advance();
            if (at(TokenKind::Semicolon)) advance();
        }
    }
    if (!expect(TokenKind::RightBrace, "'}' at the end of the gate's body")) return std::nullopt;
    // A body with an error still defines its name, so that each call of it is not one more error.
    if (!good) result.body.clear();
    return result;
}

std::optional<Statement> Parser::action() {
    ActionStatement result;
    if (atWord("if")) {
        advance();
        result.condition = condition();
        if (!result.condition) return std::nullopt;
        if (atWord("if")) {
            m_messages.error(m_token.span, "an 'if' cannot guard another 'if'");
            return std::nullopt;
        }
    }
    const auto keep = [&](auto read) {
        if (!read) return false;
        result.what = std::move(*read);
        return true;
    };
    const bool good = atWord("measure")   ? keep(measure())
                      : atWord("reset")   ? keep(reset())
                      : atWord("barrier") ? keep(barrier())
                                          : keep(call());
    if (!good) return std::nullopt;
    return result;
}

std::optional<ConditionClause> Parser::condition() {
    if (!expect(TokenKind::LeftParen, "'(' after 'if'")) return std::nullopt;
    const auto creg = name("a classical register");
    if (!creg) return std::nullopt;
    if (at(TokenKind::LeftBracket)) {
        m_messages.error(m_token.span, "OpenQASM 2 compares whole registers, not single bits");
        return std::nullopt;
    }
    if (!expect(TokenKind::Equal, "'=='")) return std::nullopt;
    const auto value = integer("the value to compare with");
    if (!value || !expect(TokenKind::RightParen, "')'")) return std::nullopt;
    return ConditionClause{*creg, *value};
}

std::optional<CallStatement> Parser::call() {
    const SourceSpan begin = m_token.span;
    const auto id = name("a gate");
    if (!id) return std::nullopt;
    CallStatement result{*id, {}, {}, {}};
    if (at(TokenKind::LeftParen)) {
        advance();
        while (!at(TokenKind::RightParen)) {
            Expression value;
            const SourceSpan start = m_token.span;
            if (!expression(value, 1, 0)) return std::nullopt;
            value.span = across(start, m_last);
            result.parameters.push_back(std::move(value));
            if (!at(TokenKind::Comma)) break;
            advance();
            if (!room(result.parameters.size())) return std::nullopt;
        }
        if (!expect(TokenKind::RightParen, "')' after the parameters")) return std::nullopt;
    }
    if (!arguments(result.arguments)) return std::nullopt;
    result.span = across(begin, m_last);
    if (!endOfStatement()) return std::nullopt;
    return result;
}

std::optional<MeasureStatement> Parser::measure() {
    const SourceSpan begin = m_token.span;
    advance();
    const auto from = argument();
    if (!from || !expect(TokenKind::Arrow, "'->' and a classical bit")) return std::nullopt;
    const auto to = argument();
    if (!to) return std::nullopt;
    const SourceSpan span = across(begin, m_last);
    if (!endOfStatement()) return std::nullopt;
    return MeasureStatement{*from, *to, span};
}

std::optional<ResetStatement> Parser::reset() {
    const SourceSpan begin = m_token.span;
    advance();
    const auto target = argument();
    const SourceSpan span = across(begin, m_last);
    if (!target || !endOfStatement()) return std::nullopt;
    return ResetStatement{*target, span};
}

std::optional<BarrierStatement> Parser::barrier() {
    const SourceSpan begin = m_token.span;
    advance();
    BarrierStatement result;
    if (!at(TokenKind::Semicolon) && !arguments(result.arguments)) return std::nullopt;
    result.span = across(begin, m_last);
    if (!endOfStatement()) return std::nullopt;
    return result;
}

bool Parser::room(std::size_t held) {
    constexpr std::size_t kMost = 100'000; // no list or expression that a person or a program means is longer
    if (held < kMost) return true;
    m_messages.fatal(m_last, fmt::format("a statement with more than {} parts", kMost));
    return false;
}

std::optional<Argument> Parser::argument() {
    const auto id = name("a register");
    if (!id) return std::nullopt;
    Argument result{id->text, std::nullopt, id->span};
    if (!at(TokenKind::LeftBracket)) return result;
    advance();
    result.index = integer("an index");
    if (!result.index || !expect(TokenKind::RightBracket, "']'")) return std::nullopt;
    result.span = across(id->span, m_last);
    return result;
}

bool Parser::arguments(std::vector<Argument>& into) {
    for (;;) {
        const auto next = argument();
        if (!next) return false;
        into.push_back(*next);
        if (!at(TokenKind::Comma)) return true;
        advance();
        if (!room(into.size())) return false;
    }
}

bool Parser::names(std::vector<Name>& into) {
    for (;;) {
        const auto next = name("a name");
        if (!next) return false;
        into.push_back(*next);
        if (!at(TokenKind::Comma)) return true;
        advance();
        if (!room(into.size())) return false;
    }
}

std::optional<Name> Parser::name(const char* what) {
    const Token token = m_token;
    if (!expect(TokenKind::Identifier, what)) return std::nullopt;
    if (token.text.size() > m_limits.nameBytes) {
        m_messages.error(token.span, fmt::format("this name has {} characters; {} are allowed", token.text.size(),
                                                 m_limits.nameBytes));
        return std::nullopt;
    }
    return Name{token.text, token.span};
}

std::optional<std::uint64_t> Parser::integer(const char* what) {
    const Token token = m_token;
    if (!at(TokenKind::Integer)) {
        m_messages.error(token.span, fmt::format("expected {}, a whole number, instead of {}", what, described(token)));
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
    if (error != std::errc{}) {
        m_messages.error(token.span, fmt::format("{} is too large", described(token)));
        return std::nullopt;
    }
    advance();
    return value;
}

} // namespace qscope::engine::qasm
