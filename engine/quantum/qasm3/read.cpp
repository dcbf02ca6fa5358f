// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/read.h"

#include "engine/quantum/qasm3/compiler.h"
#include "engine/quantum/qasm3/parser.h"

#include <algorithm>
#include <charconv>

namespace qscope::engine::qasm3 {

namespace {

/// Words that begin or belong to statements of OpenQASM 3 and nothing sensible in OpenQASM 2.
constexpr std::string_view kWords[] = {"qubit", "bit", "input", "output", "let", "def", "defcal", "defcalgrammar", "for",
                                       "while", "const", "int", "uint", "float", "angle", "ctrl", "negctrl", "inv", "gphase",
                                       "extern", "box", "cal", "stretch", "duration", "switch"};

/// As many hardware qubits as the text names, within the limit: `$3` needs 4.
std::uint64_t hardwareQubits(std::string_view text, const ReadLimits& limits) {
    std::uint64_t count = 0;
    if (text.find('$') == std::string_view::npos) return 0;
    Messages unheard;
    Lexer lexer(text, unheard);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
        std::uint64_t index = 0;
        if (token.kind != TokenKind::HardwareQubit) continue;
        const auto read = std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), index);
        if (read.ec == std::errc{} && index < limits.qubits) count = std::max(count, index + 1);
    }
    return count;
}

} // namespace

bool isVersion3(std::string_view text) {
    // Enough to meet a first statement that tells.
    constexpr std::size_t kLook = 1 << 16;
    Messages unheard;
    Lexer lexer(text.substr(0, kLook), unheard);
    Token token = lexer.next();
    if (token.kind == TokenKind::Identifier && token.text == "OPENQASM") return lexer.next().text.starts_with('3');
    for (bool first = true; token.kind != TokenKind::End; token = lexer.next()) {
        if (token.kind == TokenKind::String && token.text == "stdgates.inc") return true;
        const bool word = token.kind == TokenKind::Identifier;
        if (word && static_cast<unsigned char>(token.text.front()) >= 0x80) return true;
        if (first && word && std::ranges::find(kWords, token.text) != std::end(kWords)) return true;
        first = token.kind == TokenKind::Semicolon || token.kind == TokenKind::RightBrace || token.kind == TokenKind::LeftBrace;
    }
    return false;
}

Circuit read(std::string_view text, Messages& messages, const ReadLimits& limits) {
    Parser parser(text, messages, limits);
    Compiler compiler(messages, limits, hardwareQubits(text, limits));
    while (auto statement = parser.next()) compiler.add(std::move(*statement));
    if (messages.stopped()) return {};
    return compiler.finish(parser.version());
}

} // namespace qscope::engine::qasm3
