// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qscope::engine::qasm3 {

namespace {

constexpr std::string_view kKeywords[] = {
    "OPENQASM", "angle", "array", "barrier", "bit", "bool", "box", "break", "cal", "case", "complex", "const", "continue",
    "creg", "ctrl", "def", "defcal", "defcalgrammar", "default", "delay", "duration", "durationof", "else", "end",
    "extern", "false", "float", "for", "gate", "gphase", "if", "in", "include", "input", "int", "inv", "let", "measure",
    "mutable", "negctrl", "nop", "output", "pow", "pragma", "qreg", "qubit", "readonly", "reset", "return", "stretch",
    "switch", "true", "uint", "void", "while"};

std::string described(const Token& token) {
    if (token.kind == TokenKind::End) return "the end of the text";
    return fmt::format("'{}'", token.text.substr(0, 40));
}

} // namespace

bool isKeyword(std::string_view word) { return std::ranges::find(kKeywords, word) != std::end(kKeywords); }

Parser::Parser(std::string_view text, Messages& messages, const ReadLimits& limits)
    : m_messages(messages), m_limits(limits), m_lexer(text, messages) {
    m_token = m_lexer.next();
}

void Parser::advance() {
    m_last = m_token.span;
    m_token = m_lexer.next();
}

SourceSpan Parser::since(const SourceSpan& begin) const {
    SourceSpan span = begin;
    span.end = std::max(begin.end, m_last.end);
    return span;
}

bool Parser::expect(TokenKind kind, const char* what) {
    if (at(kind)) {
        advance();
        return true;
    }
    // What the lexer has reported already needs no second message.
    if (!at(TokenKind::Broken))
        m_messages.error(m_token.span, fmt::format("expected {} instead of {}", what, described(m_token)));
    return false;
}

bool Parser::endOfStatement() {
    if (at(TokenKind::Semicolon)) {
        advance();
        return true;
    }
    if (at(TokenKind::Broken)) return false;
    // Said where the ';' belongs.
    m_messages.error(m_last, fmt::format("expected ';' after this, before {}", described(m_token)), "add ';'");
    return false;
}

bool Parser::room(std::size_t held) {
    constexpr std::size_t kMost = 100'000; // no list that a person or a program means is longer
    if (held < kMost) return true;
    m_messages.fatal(m_last, fmt::format("a statement with more than {} parts", kMost));
    return false;
}

bool Parser::deep(int depth) {
    if (depth <= m_limits.nestingDepth) return false;
    m_messages.fatal(m_token.span, fmt::format("this is nested deeper than {}", m_limits.nestingDepth));
    return true;
}

std::optional<Name> Parser::name(const char* what) {
    const Token token = m_token;
    if (at(TokenKind::Identifier) && isKeyword(token.text)) {
        m_messages.error(token.span, fmt::format("expected {}, but '{}' is a word of the language", what, token.text));
        return std::nullopt;
    }
    if (!expect(TokenKind::Identifier, what)) return std::nullopt;
    if (token.text.size() > m_limits.nameBytes) {
        m_messages.error(token.span, fmt::format("this name has {} characters; {} are allowed", token.text.size(),
                                                 m_limits.nameBytes));
        return std::nullopt;
    }
    return Name{token.text, token.span};
}

bool Parser::names(std::vector<Name>& into) {
    for (;;) {
        const auto next = name("a name");
        if (!next) return false;
        into.push_back(*next);
        if (!at(TokenKind::Comma)) return true;
        advance();
        if (!room(into.size())) return false;
        if (at(TokenKind::LeftBrace) || at(TokenKind::RightParen)) return true; // a comma at the end is allowed
    }
}

void Parser::recover() {
    int braces = 0;
    while (!at(TokenKind::End) && !m_messages.stopped()) {
        if (at(TokenKind::LeftBrace)) ++braces;
        if (at(TokenKind::RightBrace)) {
            if (braces == 0) return; // of the body that this statement stands in
            if (--braces == 0) {
                advance();
                return;
            }
        }
        const bool end = at(TokenKind::Semicolon) && braces == 0;
        advance();
        if (end) return;
    }
}

std::optional<Statement> Parser::next() {
    if (std::exchange(m_first, false) && atWord("OPENQASM") && !versionLine()) recover();
    bool skipped = false;
    while (!at(TokenKind::End) && !m_messages.stopped()) {
        if (at(TokenKind::RightBrace)) {
            // What was skipped may have begun behind the '{' that belongs to it.
            if (!skipped) m_messages.error(m_token.span, "this '}' closes nothing");
            advance();
            continue;
        }
        if (auto read = guarded(0)) return read;
        skipped = true;
    }
    return std::nullopt;
}

bool Parser::versionLine() {
    advance();
    const Token number = m_token;
    if (!at(TokenKind::Real) && !at(TokenKind::Integer)) return expect(TokenKind::Real, "a version");
    if (number.text != "3" && !number.text.starts_with("3."))
        m_messages.error(number.span, fmt::format("OpenQASM {} is not known; 2.0 and 3.0 are", number.text.substr(0, 40)));
    else m_version = number.text == "3" ? "3.0" : std::string(number.text.substr(0, 8));
    advance();
    return endOfStatement();
}

/// A statement; after an error the text has been skipped to its end.
std::optional<Statement> Parser::guarded(int depth) {
    auto read = statement(depth);
    if (!read && !m_messages.stopped()) recover();
    return read;
}

std::optional<Statement> Parser::statement(int depth) {
    if (deep(depth)) return std::nullopt;
    Statement result;
    const SourceSpan begin = m_token.span;
    if (at(TokenKind::At) || at(TokenKind::Hash) || atWord("pragma")) {
        const bool annotation = at(TokenKind::At);
        if (at(TokenKind::Hash)) advance();
        if (!annotation && !atWord("pragma")) {
            m_messages.error(m_token.span, "expected 'pragma' after '#'");
            return std::nullopt;
        }
        // The word behind '@' has been read by then; a pragma's text is of any form.
        if (annotation) advance();
        const bool local = annotation && atWord("local");
        if (m_token.span.line == begin.line) m_lexer.skipLine();
        advance();
        if (!local) {
            result.what = Ignored{annotation ? "an annotation" : "a pragma", 0};
            result.span = begin;
            return result;
        }
        auto next = statement(depth + 1);
        if (auto* declared = next ? std::get_if<Declaration>(&next->what) : nullptr) declared->local = true;
        return next;
    }
    if (!statementOf(result, depth)) return std::nullopt;
    result.span = since(begin);
    return result;
}

bool Parser::statementOf(Statement& into, int depth) {
    if (at(TokenKind::LeftBrace)) {
        auto inner = body(depth + 1, true);
        if (!inner) return false;
        into.what = Block{std::move(inner)};
        return true;
    }
    if (!at(TokenKind::Identifier)) {
        if (at(TokenKind::HardwareQubit) || at(TokenKind::Broken)) return expect(TokenKind::Identifier, "a statement");
        if (at(TokenKind::Semicolon)) {
            m_messages.error(m_token.span, "a ';' without a statement");
            return false;
        }
        auto value = expression();
        if (!value || !endOfStatement()) return false;
        into.what = ExpressionStatement{std::move(value)};
        return true;
    }
    bool known = true;
    if (compound(into, depth, known)) return true;
    if (known) return false;
    known = true;
    if (simple(into, depth, known)) return true;
    return !known && named(into);
}

/// A gate call, an assignment or an expression: all that begins with a name.
bool Parser::named(Statement& into) {
    const Token first = m_token;
    auto head = expression(0, 0);
    if (!head) return false;
    if (at(TokenKind::At)) {
        m_messages.error(first.span, fmt::format("'{}' is no modifier", first.text.substr(0, 40)), "ctrl, negctrl, inv, pow");
        return false;
    }
    if (at(TokenKind::Assign) || (at(TokenKind::Operator) && m_token.assigns)) {
        if (head->kind != ExpressionKind::Name && head->kind != ExpressionKind::Index) {
            m_messages.error(head->span, "only a variable or a part of one can be assigned to");
            return false;
        }
        Assignment result;
        if (m_token.assigns) result.op = m_token.op;
        advance();
        result.target = std::move(head);
        result.value = atWord("measure") && !result.op ? measure() : expression();
        if (!result.value || !endOfStatement()) return false;
        into.what = std::move(result);
        return true;
    }
    const bool call = head->kind == ExpressionKind::Call || head->kind == ExpressionKind::Name;
    if (call && (at(TokenKind::Identifier) || at(TokenKind::HardwareQubit))) {
        GateCall result;
        result.gate = {head->text, first.span};
        result.parameters = std::move(head->parts);
        if (!places(result.operands) || !endOfStatement()) return false;
        into.what = std::move(result);
        return true;
    }
    if (!endOfStatement()) return false;
    into.what = ExpressionStatement{std::move(head)};
    return true;
}

/// Statements of one line that begin with a word of the language.
bool Parser::simple(Statement& into, int, bool& known) {
    const std::string_view word = m_token.text;
    if (word == "measure") return measurement(into);
    if (word == "ctrl" || word == "negctrl" || word == "inv" || word == "pow" || word == "gphase") {
        return gateCall(into.what.emplace<GateCall>());
    }
    if (word == "include") {
        advance();
        const Token file = m_token;
        if (!expect(TokenKind::String, "a file name in quotes") || !endOfStatement()) return false;
        into.what = Include{{file.text, file.span}};
        return true;
    }
    if (word == "qreg" || word == "creg") return oldRegister(into.what.emplace<Declaration>());
    if (word == "const" || word == "input" || word == "output" || atType()) {
        // `int(x);` and the like are expressions, and of no use.
        return declaration(into.what.emplace<Declaration>());
    }
    if (word == "let") {
        advance();
        const auto id = name("a name");
        if (!id || !expect(TokenKind::Assign, "'='")) return false;
        auto value = expression();
        if (!value || !endOfStatement()) return false;
        into.what = Alias{*id, std::move(value)};
        return true;
    }
    if (word == "reset") {
        advance();
        auto target = place();
        if (!target || !endOfStatement()) return false;
        into.what = Reset{std::move(target)};
        return true;
    }
    if (word == "barrier" || word == "nop") {
        advance();
        Barrier result;
        if (!at(TokenKind::Semicolon) && !places(result.operands)) return false;
        if (!endOfStatement()) return false;
        if (word == "barrier") into.what = std::move(result);
        else into.what = Block{std::make_shared<Body>()};
        return true;
    }
    if (word == "delay") return delay(into.what.emplace<Delay>());
    if (word == "break" || word == "continue" || word == "end") {
        advance();
        into.what = Jump{word == "break" ? Jump::Kind::Break : word == "continue" ? Jump::Kind::Continue : Jump::Kind::End};
        return endOfStatement();
    }
    if (word == "return") {
        advance();
        Return result;
        if (!at(TokenKind::Semicolon)) {
            result.value = atWord("measure") ? measure() : expression();
            if (!result.value) return false;
        }
        into.what = std::move(result);
        return endOfStatement();
    }
    if (word == "true" || word == "false" || word == "durationof") return known = false;
    if (!isKeyword(word)) return known = false;
    m_messages.error(m_token.span, word == "OPENQASM" ? "the version belongs on the first line, once"
                                                      : fmt::format("a statement cannot begin with '{}'", word));
    return false;
}

bool Parser::modifiers(std::vector<Modifier>& into) {
    for (;;) {
        Modifier next;
        next.span = m_token.span;
        if (atWord("ctrl")) next.kind = Modifier::Kind::Control;
        else if (atWord("negctrl")) next.kind = Modifier::Kind::NegatedControl;
        else if (atWord("inv")) next.kind = Modifier::Kind::Inverse;
        else if (atWord("pow")) next.kind = Modifier::Kind::Power;
        else return true;
        advance();
        const bool power = next.kind == Modifier::Kind::Power;
        if (power || (next.kind != Modifier::Kind::Inverse && at(TokenKind::LeftParen))) {
            if (!expect(TokenKind::LeftParen, "'(' and the power")) return false;
            next.argument = expression();
            if (!next.argument || !expect(TokenKind::RightParen, "')'")) return false;
        }
        if (!expect(TokenKind::At, "'@' after the modifier")) return false;
        into.push_back(std::move(next));
        if (!room(into.size())) return false;
    }
}

bool Parser::gateCall(GateCall& into) {
    if (!modifiers(into.modifiers)) return false;
    into.gate = {m_token.text, m_token.span};
    if (atWord("gphase")) advance();
    else if (!name("a gate")) return false;
    if (at(TokenKind::LeftParen)) {
        advance();
        if (!list(into.parameters, TokenKind::RightParen, 1)) return false;
    }
    if (!(into.gate.text == "gphase" && at(TokenKind::Semicolon)) && !places(into.operands)) return false;
    return endOfStatement();
}

bool Parser::measurement(Statement& into) {
    advance();
    Measurement result;
    result.from = place();
    if (!result.from) return false;
    if (at(TokenKind::Arrow)) {
        advance();
        result.to = place();
        if (!result.to) return false;
    }
    into.what = std::move(result);
    return endOfStatement();
}

bool Parser::delay(Delay& into) {
    advance();
    if (!designator(into.duration, true)) return false;
    if (!at(TokenKind::Semicolon) && !places(into.operands)) return false;
    return endOfStatement();
}

} // namespace qscope::engine::qasm3
