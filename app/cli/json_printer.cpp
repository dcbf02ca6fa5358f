// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/json_printer.h"

#include <algorithm>
#include <string>

namespace qscope::cli {

namespace {
std::string dumped(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }
} // namespace

void JsonPrinter::newLine() {
    put("\n");
    for (std::size_t i = 0; i < m_open.size(); ++i) put("  ");
}

void JsonPrinter::separate() {
    if (std::exchange(m_hasKey, false) || m_open.empty()) return;
    if (!std::exchange(m_open.back().empty, false)) put(",");
    newLine();
}

void JsonPrinter::open(char bracket) {
    separate();
    put({&bracket, 1});
    m_open.push_back({bracket == '{' ? '}' : ']'});
}

void JsonPrinter::close() {
    const Level level = m_open.back();
    m_open.pop_back();
    if (!level.empty) newLine();
    put({&level.end, 1});
    if (m_open.empty()) put("\n");
}

void JsonPrinter::key(std::string_view name) {
    text(name);
    put(": ");
    m_hasKey = true;
}

void JsonPrinter::text(std::string_view text) {
    constexpr std::size_t kPiece = 1 << 16; // what escapes make of it stays small
    separate();
    put("\"");
    while (!text.empty()) {
        std::size_t length = std::min(kPiece, text.size());
        // Not inside a character.
        for (int back = 0; back < 3 && length < text.size() && (text[length] & 0xC0) == 0x80; ++back) --length;
        const std::string piece = dumped(Json(text.substr(0, length)));
        put(std::string_view(piece).substr(1, piece.size() - 2));
        text.remove_prefix(length);
    }
    put("\"");
}

void JsonPrinter::value(const Json& value) {
    separate();
    std::string text = dumped(value);
    const std::string indented = "\n" + std::string(2 * m_open.size(), ' ');
    for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + indented.size())) text.replace(at, 1, indented);
    put(text);
}

} // namespace qscope::cli
