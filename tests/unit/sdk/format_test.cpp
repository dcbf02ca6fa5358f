// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace qscope;

namespace {
std::string text(const QString& value) { return value.toStdString(); }
} // namespace

TEST_CASE("numbers have four significant digits and a real minus sign") {
    CHECK(text(formatNumber(0)) == "0");
    CHECK(text(formatNumber(1)) == "1.000");
    CHECK(text(formatNumber(-0.081234)) == "−0.08123");
    CHECK(text(formatNumber(12345.6)) == "12346");
    CHECK(text(formatNumber(1.23456e-5)) == "1.235e−5");
    CHECK(text(formatNumber(-2.5e9)) == "−2.500e9");
    CHECK(text(formatNumber(std::numeric_limits<double>::quiet_NaN())) == "NaN");
    CHECK(text(formatNumber(-std::numeric_limits<double>::infinity())) == "−∞");
}

TEST_CASE("long integers have thin spaces") {
    CHECK(text(formatInteger(2048)) == "2048");
    CHECK(text(formatInteger(5767424)) == "5\u2009767\u2009424");
    CHECK(text(formatInteger(-12345)) == "−12\u2009345");
}

TEST_CASE("sizes, counts and times carry their unit") {
    CHECK(text(formatBytes(0)) == "0 B");
    CHECK(text(formatBytes(1536)) == "1.50 KiB");
    CHECK(text(formatBytes(11547128)) == "11.0 MiB");
    CHECK(text(formatParameters(5767424)) == "5.77 M");
    CHECK(text(formatParameters(999)) == "999");
    CHECK(text(formatBits(4.125)) == "4.13");
    CHECK(text(formatDecibels(21.3456)) == "21.3 dB");
    CHECK(text(formatDecibels(std::numeric_limits<double>::infinity())) == "∞ dB");
    CHECK(text(formatDuration(0.35)) == "350 ms");
    CHECK(text(formatDuration(75)) == "1 min 15 s");
}
