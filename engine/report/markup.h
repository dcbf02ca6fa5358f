// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qscope::engine {

/// The text with bytes that are no UTF-8 replaced by U+FFFD, as JSON and HTML need it.
[[nodiscard]] std::string validUtf8(std::string_view text);

/// Valid UTF-8 that can stand between tags and within quotes of HTML, SVG and XML; control characters become spaces.
[[nodiscard]] std::string escapeMarkup(std::string_view text);

// Numbers for people, with U+2212 for minus. Files for programs use plain formatting.

[[nodiscard]] std::string readableNumber(double value);         ///< four significant digits
[[nodiscard]] std::string readableFixed(double value, int digits);
[[nodiscard]] std::string readableDecibels(double db);          ///< "21.3", "∞" when exact
[[nodiscard]] std::string readableBytes(std::uint64_t bytes);   ///< "11.0 MiB"
[[nodiscard]] std::string readableCount(std::uint64_t count);   ///< thin spaces between thousands

} // namespace qscope::engine
