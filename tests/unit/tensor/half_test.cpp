// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/half.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace qscope::engine;

TEST_CASE("Every half survives the way through single precision") {
    for (unsigned code = 0; code < 65536; ++code) {
        const auto half = static_cast<std::uint16_t>(code);
        const float value = halfToFloat(half);
        if (std::isnan(value)) REQUIRE(std::isnan(halfToFloat(floatToHalf(value))));
        else REQUIRE(floatToHalf(value) == half);
        const float brain = bfloat16ToFloat(half);
        if (std::isnan(brain)) REQUIRE(std::isnan(bfloat16ToFloat(floatToBfloat16(brain))));
        else REQUIRE(floatToBfloat16(brain) == half);
    }
}

TEST_CASE("Values between two halves go to the nearer one, ties to the even one") {
    for (unsigned code = 0; code < 0x7BFF; ++code) { // up to the largest finite half
        const auto lower = static_cast<std::uint16_t>(code), upper = static_cast<std::uint16_t>(code + 1);
        const float middle = static_cast<float>((static_cast<double>(halfToFloat(lower)) + static_cast<double>(halfToFloat(upper))) / 2);
        const std::uint16_t even = code % 2 == 0 ? lower : upper;
        REQUIRE(floatToHalf(middle) == even);
        REQUIRE(floatToHalf(-middle) == (even | 0x8000));
        REQUIRE(floatToHalf(std::nextafter(middle, 0.f)) == lower);
        REQUIRE(floatToHalf(std::nextafter(middle, 1e9f)) == upper);
    }
}

TEST_CASE("What is too large for a half becomes infinite, exactly from the rounding limit on") {
    CHECK(floatToHalf(65519.996f) == 0x7BFF);
    CHECK(floatToHalf(65520.f) == 0x7C00);
    CHECK(floatToHalf(-std::numeric_limits<float>::max()) == 0xFC00);
    CHECK(floatToHalf(std::numeric_limits<float>::infinity()) == 0x7C00);
    CHECK(floatToHalf(0x1p-25f) == 0);
    CHECK(floatToHalf(std::nextafter(0x1p-25f, 1.f)) == 1);
    CHECK(floatToHalf(-0.f) == 0x8000);
}

TEST_CASE("Arrays of halves convert like single halves, at any length") {
    std::vector<std::uint16_t> halves(65536);
    for (unsigned code = 0; code < 65536; ++code) halves[code] = static_cast<std::uint16_t>(code);
    for (const std::size_t first : {std::size_t{0}, std::size_t{1}, std::size_t{65530}}) {
        const auto part = std::span(halves).subspan(first);
        std::vector<float> values(part.size());
        halfToFloat(part, values);
        for (std::size_t i = 0; i < part.size(); ++i) {
            const float expected = halfToFloat(part[i]);
            if (std::isnan(expected)) REQUIRE(std::isnan(values[i]));
            else REQUIRE(values[i] == expected);
        }
    }
}
