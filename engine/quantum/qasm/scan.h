// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace qscope::engine::qasm {

/// What editors need to know of a program's text, right or wrong. Works on bytes and on UTF-16 alike.
enum class PartKind : std::uint8_t { Word, Number, String, Comment, Sign };

struct Part {
    PartKind kind = PartKind::Sign;
    std::size_t begin = 0, end = 0; ///< units of the text
};

/// The first part at or behind `at`, blanks skipped. A comment or string that does not end reaches to the end of the
/// text or line. Nothing at the end of the text.
template<class Char>
[[nodiscard]] std::optional<Part> scanPart(std::basic_string_view<Char> text, std::size_t at) {
    const auto unit = [&](std::size_t i) { return i < text.size() ? static_cast<char32_t>(text[i]) & 0xFFFFu : U'\0'; };
    const auto digit = [&](std::size_t i) { return unit(i) >= '0' && unit(i) <= '9'; };
    const auto letter = [&](std::size_t i) {
        const char32_t c = unit(i);
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 128;
    };
    while (at < text.size() && (unit(at) == ' ' || (unit(at) >= '\t' && unit(at) <= '\r'))) ++at;
    if (at >= text.size()) return std::nullopt;
    std::size_t end = at + 1;
    if (unit(at) == '/' && unit(end) == '/') {
        while (end < text.size() && unit(end) != '\n') ++end;
        return Part{PartKind::Comment, at, end};
    }
    if (unit(at) == '/' && unit(end) == '*') {
        for (++end; end < text.size(); ++end)
            if (unit(end) == '*' && unit(end + 1) == '/') return Part{PartKind::Comment, at, end + 2};
        return Part{PartKind::Comment, at, text.size()};
    }
    if (unit(at) == '"') {
        while (end < text.size() && unit(end) != '"' && unit(end) != '\n') ++end;
        return Part{PartKind::String, at, unit(end) == '"' ? end + 1 : end};
    }
    if (letter(at)) {
        while (end < text.size() && (letter(end) || digit(end))) ++end;
        return Part{PartKind::Word, at, end};
    }
    if (digit(at) || (unit(at) == '.' && digit(end))) {
        const auto exponent = [&](std::size_t i) {
            return (unit(i) == '+' || unit(i) == '-') && (unit(i - 1) == 'e' || unit(i - 1) == 'E') &&
                   unit(at + 1) != 'x' && unit(at + 1) != 'X';
        };
        while (end < text.size() && (letter(end) || digit(end) || unit(end) == '.' || exponent(end))) ++end;
        return Part{PartKind::Number, at, end};
    }
    return Part{PartKind::Sign, at, end};
}

} // namespace qscope::engine::qasm
