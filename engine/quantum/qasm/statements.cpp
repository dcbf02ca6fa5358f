// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/statements.h"

#include <algorithm>

namespace qscope::engine {

std::vector<StatementRange> statementsOf(std::string_view text) {
    std::vector<StatementRange> statements;
    std::optional<std::size_t> begin;
    int braces = 0, brackets = 0;
    bool values = false;     // the braces hold values: a set that a loop runs over, or what is assigned
    bool blockEnded = false; // an `else` would continue the last statement
    std::string_view before; // the word or sign before this one
    std::size_t at = 0;
    while (const auto part = qasm::scanPart(text, at)) {
        at = part->end;
        if (part->kind == qasm::PartKind::Comment) continue;
        const std::string_view word = text.substr(part->begin, part->end - part->begin);
        if (!begin) {
            begin = part->begin;
            if (blockEnded && word == "else") {
                begin = statements.back().begin;
                statements.pop_back();
            }
            if (word == "@" || word == "#" || word == "pragma") { // annotations and pragmas take their line
                at = std::min(text.find('\n', at), text.size());
                statements.push_back({*begin, at});
                begin.reset();
                blockEnded = false;
                continue;
            }
        }
        if (word == "(" || word == "[") ++brackets;
        if (word == ")" || word == "]") brackets = std::max(0, brackets - 1);
        if (word == "{" && braces++ == 0) values = brackets > 0 || before == "in" || before == "=";
        blockEnded = word == "}" && braces > 0 && --braces == 0 && !values;
        if (blockEnded || (word == ";" && braces == 0 && brackets == 0)) {
            statements.push_back({*begin, at});
            begin.reset();
        }
        before = word;
    }
    return statements;
}

namespace qasm {

std::optional<StatementRange> statementAt(std::string_view text, std::size_t byte) {
    for (const auto& statement : statementsOf(text))
        if (byte >= statement.begin && byte < statement.end) return statement;
    return std::nullopt;
}

CallRange callIn(std::string_view text, std::size_t begin, std::size_t end) {
    CallRange call{begin, begin, end, {}};
    text = text.substr(0, end);
    std::size_t at = begin;
    const auto next = [&]() -> std::string_view {
        auto part = scanPart(text, at);
        while (part && part->kind == PartKind::Comment) part = scanPart(text, part->end);
        if (!part) return {};
        at = part->end;
        return text.substr(part->begin, part->end - part->begin);
    };
    // A name with its list, as often as an @ makes it a modifier.
    do {
        static_cast<void>(next());
        call.operands = at;
        call.parameters.clear();
        std::string_view word = next();
        if (word == "(") {
            std::size_t parameter = at;
            for (int depth = 1; depth > 0 && !(word = next()).empty();) {
                depth += word == "(" || word == "[" ? 1 : word == ")" || word == "]" ? -1 : 0;
                if (depth > 1 || (depth == 1 && word != ",")) continue;
                if (at - 1 > parameter) call.parameters.push_back({parameter, at - 1});
                parameter = at;
            }
            call.operands = at;
            word = next();
        }
        if (word == "@") continue;
        break;
    } while (true);
    at = call.operands;
    for (std::string_view word = next(); !word.empty(); word = next())
        if (word == ";") {
            call.end = at - 1;
            break;
        }
    return call;
}

} // namespace qasm

} // namespace qscope::engine
