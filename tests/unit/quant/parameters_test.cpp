// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/parameters.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;

namespace {

const std::vector<ParamSpec> kTable{
    {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "", ""},
    {"symmetric", "Symmetric", ParamType::Flag, true, 0, 0, {}, "", ""},
    {"damp", "Damping", ParamType::Real, 0.01, 0, 1, {}, "", ""},
    {"scale", "Scale type", ParamType::Choice, std::string("f32"), 0, 0, {"f32", "f16"}, "", ""},
};

std::string errorOf(const std::map<std::string, std::string>& parameters) {
    const auto values = resolveParameters(kTable, {"rtn", parameters});
    REQUIRE_FALSE(values);
    CHECK(values.error().code == ErrorCode::OutOfRange);
    return describe(values.error());
}

} // namespace

TEST_CASE("a method specification is read as it is written", "[quant]") {
    const auto spec = parseMethodSpec("rtn:bits=4,group=128");
    REQUIRE(spec);
    CHECK(spec->id == "rtn");
    CHECK(spec->parameters == std::map<std::string, std::string>{{"bits", "4"}, {"group", "128"}});
    CHECK(toText(*spec) == "rtn:bits=4,group=128");

    const auto bare = parseMethodSpec("q4_0");
    REQUIRE(bare);
    CHECK(toText(*bare) == "q4_0");
    CHECK(*parseMethodSpec(toText(*spec)) == *spec);
}

TEST_CASE("a value may hold anything but a comma", "[quant]") {
    const auto spec = parseMethodSpec("m:pattern=a=b:c");
    REQUIRE(spec);
    CHECK(spec->parameters.at("pattern") == "a=b:c");
}

TEST_CASE("text that is no method specification is refused with the expected form", "[quant]") {
    for (const char* text : {"", ":", "rtn:", ":bits=4", "rtn:bits", "rtn:bits=", "rtn:=4", "rtn:bits=4,", "rtn:bits=4,,",
                             "rtn:bits=4,bits=5", "a b", "rtn :bits=4", "rtn: bits=4"}) {
        INFO("text '" << text << "'");
        const auto spec = parseMethodSpec(text);
        REQUIRE_FALSE(spec);
        CHECK(spec.error().code == ErrorCode::OutOfRange);
        CHECK(spec.error().message.find("id:key=value") != std::string::npos);
    }
}

TEST_CASE("parameters that are not given take their defaults", "[quant]") {
    const auto values = resolveParameters(kTable, {"rtn", {}});
    REQUIRE(values);
    CHECK(values->size() == kTable.size());
    CHECK(valueOf<std::int64_t>(*values, "bits") == 4);
    CHECK(valueOf<bool>(*values, "symmetric"));
    CHECK(valueOf<double>(*values, "damp") == 0.01);
    CHECK(valueOf<std::string>(*values, "scale") == "f32");
}

TEST_CASE("given parameters are parsed by their type", "[quant]") {
    const auto values = resolveParameters(
        kTable, {"rtn", {{"bits", "8"}, {"symmetric", "false"}, {"damp", "2.5e-1"}, {"scale", "f16"}}});
    REQUIRE(values);
    CHECK(valueOf<std::int64_t>(*values, "bits") == 8);
    CHECK_FALSE(valueOf<bool>(*values, "symmetric"));
    CHECK(valueOf<double>(*values, "damp") == 0.25);
    CHECK(valueOf<std::string>(*values, "scale") == "f16");
}

TEST_CASE("a parameter outside its table is refused with what is allowed", "[quant]") {
    CHECK(errorOf({{"bits", "1"}}) == "rtn: bits=1 is not from 2 to 8");
    CHECK(errorOf({{"bits", "9"}}) == "rtn: bits=9 is not from 2 to 8");
    CHECK(errorOf({{"bits", "4.5"}}) == "rtn: bits=4.5 is not a whole number");
    CHECK(errorOf({{"bits", "99999999999999999999"}}).find("whole number") != std::string::npos);
    CHECK(errorOf({{"damp", "nan"}}) == "rtn: damp=nan is not a number");
    CHECK(errorOf({{"damp", "inf"}}) == "rtn: damp=inf is not a number");
    CHECK(errorOf({{"damp", "1.5"}}) == "rtn: damp=1.5 is not from 0 to 1");
    CHECK(errorOf({{"symmetric", "maybe"}}) == "rtn: symmetric=maybe is neither true nor false");
    CHECK(errorOf({{"scale", "bf16"}}) == "rtn: scale=bf16 is none of f32, f16");
    CHECK(errorOf({{"groups", "3"}}) == "rtn: 'groups' is unknown, it has bits, symmetric, damp, scale");
    const auto none = resolveParameters({}, {"q4_0", {{"bits", "4"}}});
    REQUIRE_FALSE(none);
    CHECK(none.error().message == "q4_0: 'bits' is unknown, it has no parameters");
}

TEST_CASE("parameter values print as they are parsed", "[quant]") {
    CHECK(toText(ParamValue(true)) == "true");
    CHECK(toText(ParamValue(false)) == "false");
    CHECK(toText(ParamValue(std::int64_t{-3})) == "-3");
    CHECK(toText(ParamValue(0.1)) == "0.1");
    CHECK(toText(ParamValue(std::string("f16"))) == "f16");
}
