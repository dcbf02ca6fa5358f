// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/markup.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope::engine;

TEST_CASE("text from outside cannot become markup", "[report]") {
    CHECK(escapeMarkup("<script>alert('&\"')</script>") ==
          "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;");
    CHECK(escapeMarkup(std::string("a\0b\nc\x7f", 6)) == "a b c ");
    CHECK(escapeMarkup("naïve 量化 😀") == "naïve 量化 😀");
}

TEST_CASE("bytes that are no UTF-8 are replaced, all others stay", "[report]") {
    const std::string r = "\xEF\xBF\xBD";
    CHECK(validUtf8("plain") == "plain");
    CHECK(validUtf8("\xF4\x8F\xBF\xBF") == "\xF4\x8F\xBF\xBF"); // U+10FFFF
    CHECK(validUtf8("\xF4\x90\x80\x80") == r + r + r + r);      // beyond it
    CHECK(validUtf8("\xC0\x80") == r + r);                      // overlong
    CHECK(validUtf8("\xE0\x9F\xBF") == r + r + r);              // overlong
    CHECK(validUtf8("\xED\xA0\x80") == r + r + r);              // a surrogate
    CHECK(validUtf8("a\xE2\x82") == "a" + r + r);               // cut short
    CHECK(validUtf8("\xFFz") == r + "z");
    for (int first = 0; first < 256; ++first)
        for (int second = 0; second < 256; ++second) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second), 'x'};
            REQUIRE(validUtf8(validUtf8(bytes)) == validUtf8(bytes));
        }
}

TEST_CASE("numbers read as people write them", "[report]") {
    CHECK(readableNumber(0.0135412) == "0.01354");
    CHECK(readableNumber(-1.5e-7) == "−1.5e−7");
    CHECK(readableNumber(2e-10) == "2e−10");
    CHECK(readableNumber(std::numeric_limits<double>::infinity()) == "∞");
    CHECK(readableNumber(-std::numeric_limits<double>::infinity()) == "−∞");
    CHECK(readableNumber(std::nan("")) == "–");
    CHECK(readableFixed(4.126, 2) == "4.13");
    CHECK(readableDecibels(21.31) == "21.3");
    CHECK(readableDecibels(std::numeric_limits<double>::infinity()) == "∞");
    CHECK(readableBytes(0) == "0 B");
    CHECK(readableBytes(1023) == "1023 B");
    CHECK(readableBytes(11'534'336) == "11.0 MiB");
    CHECK(readableBytes(3'221'225'472) == "3.0 GiB");
    CHECK(readableCount(0) == "0");
    CHECK(readableCount(999) == "999");
    CHECK(readableCount(5'767'168) == "5\u2009767\u2009168");
}
