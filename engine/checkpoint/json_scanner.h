// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace qscope::engine {

/// Reads JSON whose shape is known beforehand, value by value, straight into where it belongs. For headers of 100,000
/// entries, where the general parser's events take twice as long; everything else uses `parseJson`.
class JsonScanner {
public:
    explicit JsonScanner(std::string_view text) : m_text(text) {}

    /// Whether the next character, after white space, is `c`; if so it is taken.
    [[nodiscard]] bool take(char c) {
        skipSpace();
        if (m_at == m_text.size() || m_text[m_at] != c) return false;
        ++m_at;
        return true;
    }
    [[nodiscard]] Result<void> expect(char c) {
        if (take(c)) return {};
        return fail(ErrorCode::Malformed, "expected '{}' at byte {}", c, m_at);
    }
    /// A string: valid UTF-8, escapes resolved.
    [[nodiscard]] Result<std::string> text();
    /// A whole number from 0 to 2^63 - 1.
    [[nodiscard]] Result<std::int64_t> number();
    /// Nothing but white space is left.
    [[nodiscard]] Result<void> end();

    /// "open item, item close" with `item` reading each.
    template<class Item>
    [[nodiscard]] Result<void> items(char open, char close, Item item) {
        QSCOPE_CHECK(expect(open));
        if (take(close)) return {};
        do QSCOPE_CHECK(item());
        while (take(','));
        return expect(close);
    }

private:
    void skipSpace() {
        while (m_at < m_text.size() && std::string_view(" \n\r\t").find(m_text[m_at]) != std::string_view::npos) ++m_at;
    }
    [[nodiscard]] Result<void> escape(std::string& target);
    [[nodiscard]] Result<std::uint32_t> fourHexDigits();

    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace qscope::engine
