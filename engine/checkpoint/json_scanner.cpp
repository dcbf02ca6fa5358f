// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/json_scanner.h"

#include "engine/checkpoint/catalogue.h"

#include <charconv>

namespace qscope::engine {

namespace {

void appendUtf8(std::string& target, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { target += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            put(0xE0 | code >> 12);
        } else {
            put(0xF0 | code >> 18);
            put(0x80 | (code >> 12 & 0x3F));
        }
        put(0x80 | (code >> 6 & 0x3F));
    }
    put(0x80 | (code & 0x3F));
}

} // namespace

Result<std::uint32_t> JsonScanner::fourHexDigits() {
    const std::string_view digits = m_text.substr(m_at, 4);
    std::uint32_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 4 || parsed.ec != std::errc{} || parsed.ptr != digits.data() + 4)
        return fail(ErrorCode::Malformed, "expected four hexadecimal digits at byte {}", m_at);
    m_at += 4;
    return value;
}

/// What follows a backslash.
Result<void> JsonScanner::escape(std::string& target) {
    constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = m_at < m_text.size() ? m_text[m_at++] : '\0';
    if (letter == 'u') {
        QSCOPE_TRY(std::uint32_t code, fourHexDigits());
        if (code >= 0xD800 && code < 0xDC00 && m_text.substr(m_at, 2) == "\\u") { // first half of a pair
            m_at += 2;
            QSCOPE_TRY(const std::uint32_t low, fourHexDigits());
            if (low < 0xDC00 || low > 0xDFFF) return fail(ErrorCode::Malformed, "half a character at byte {}", m_at);
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        appendUtf8(target, code); // a lone half is found when the whole text is checked
        return {};
    }
    const std::size_t known = kLetters.find(letter);
    if (letter == '\0' || known == kLetters.npos) return fail(ErrorCode::Malformed, "unknown escape at byte {}", m_at);
    target += kMeanings[known];
    return {};
}

Result<std::string> JsonScanner::text() {
    QSCOPE_CHECK(expect('"'));
    std::string target;
    for (;;) {
        const std::size_t begin = m_at;
        while (m_at < m_text.size() && m_text[m_at] != '"' && m_text[m_at] != '\\' &&
               static_cast<unsigned char>(m_text[m_at]) >= 0x20)
            ++m_at;
        target.append(m_text, begin, m_at - begin);
        if (m_at == m_text.size() || static_cast<unsigned char>(m_text[m_at]) < 0x20)
            return fail(ErrorCode::Malformed, "a string does not end at byte {}", m_at);
        if (m_text[m_at++] == '"') break;
        QSCOPE_CHECK(escape(target));
    }
    if (!isUtf8(target)) return fail(ErrorCode::Malformed, "a string before byte {} is not UTF-8", m_at);
    return target;
}

Result<std::int64_t> JsonScanner::number() {
    skipSpace();
    const std::string_view rest = m_text.substr(m_at);
    std::int64_t value = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    const auto length = static_cast<std::size_t>(parsed.ptr - rest.data());
    const bool leadingZero = length > 1 && rest[0] == '0';
    const bool goesOn = length < rest.size() && std::string_view(".eE").find(rest[length]) != std::string_view::npos;
    if (parsed.ec != std::errc{} || rest[0] == '-' || leadingZero || goesOn)
        return fail(ErrorCode::Malformed, "expected a whole number below 2^63 at byte {}", m_at);
    m_at += length;
    return value;
}

Result<void> JsonScanner::end() {
    skipSpace();
    if (m_at == m_text.size()) return {};
    return fail(ErrorCode::Malformed, "text after the end, at byte {}", m_at);
}

} // namespace qscope::engine
