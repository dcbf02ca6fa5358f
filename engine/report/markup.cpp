// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/markup.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kMinus = "\xE2\x88\x92";
constexpr std::string_view kThinSpace = "\xE2\x80\x89";

/// Bytes of the UTF-8 character at the start of `text`, or 0 when there is none (truncated, overlong, surrogate,
/// beyond U+10FFFF).
std::size_t characterLength(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    const unsigned second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return overlong || outside ? 0 : length;
}

std::string withMinus(std::string text) {
    for (std::size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at)) text.replace(at, 1, kMinus);
    return text;
}

} // namespace

std::string validUtf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = characterLength(text);
        valid += length == 0 ? kReplacement : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return valid;
}

std::string escapeMarkup(std::string_view text) {
    std::string escaped;
    for (const char c : validUtf8(text)) {
        if (c == '&') escaped += "&amp;";
        else if (c == '<') escaped += "&lt;";
        else if (c == '>') escaped += "&gt;";
        else if (c == '"') escaped += "&quot;";
        else if (c == '\'') escaped += "&#39;";
        else if ((static_cast<unsigned char>(c) < 0x20) || c == 0x7F) escaped += ' ';
        else escaped += c;
    }
    return escaped;
}

std::string readableNumber(double value) {
    if (std::isnan(value)) return "\xE2\x80\x93"; // an en dash: there is no number
    if (std::isinf(value)) return value > 0 ? "\xE2\x88\x9E" : "\xE2\x88\x92\xE2\x88\x9E";
    std::string text = fmt::format("{:.4g}", value);
    // "1.5e-7" for "1.5e-07".
    if (const auto e = text.find('e'); e != std::string::npos && text[e + 2] == '0') text.erase(e + 2, 1);
    return withMinus(std::move(text));
}

std::string readableFixed(double value, int digits) {
    return std::isfinite(value) ? withMinus(fmt::format("{:.{}f}", value, digits)) : readableNumber(value);
}

std::string readableDecibels(double db) { return readableFixed(db, 1); }

std::string readableBytes(std::uint64_t bytes) {
    static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.{}f} {}", amount, amount < 100 ? 1 : 0, units[unit]);
}

std::string readableCount(std::uint64_t count) {
    std::string text = fmt::format("{}", count);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), kThinSpace);
    return text;
}

} // namespace qscope::engine
