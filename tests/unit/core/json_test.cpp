// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/atomic_file.h"
#include "engine/core/json.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;

TEST_CASE("JSON keeps the order of its keys") {
    const auto json = parseJson(R"({"z": 1, "a": [true, null, -2.5, "x"], "m": {}})");
    REQUIRE(json);
    CHECK(json->dump() == R"({"z":1,"a":[true,null,-2.5,"x"],"m":{}})");
}

TEST_CASE("Text that is not JSON is Malformed and says where") {
    for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\xFF\"", "{\"a\":1,\"a\":2}", "\"\\ud800\""}) {
        CAPTURE(text);
        const auto json = parseJson(text);
        REQUIRE_FALSE(json);
        CHECK(json.error().code == ErrorCode::Malformed);
        CHECK(json.error().message.find('\n') == std::string::npos);
    }
    CHECK_THAT(parseJson("[1,]").error().message, Catch::Contains("byte"));
}

TEST_CASE("JSON nested deeper than the limit is refused before it is built") {
    ReadLimits limits;
    limits.nestingDepth = 3;
    CHECK(parseJson("[[[1]]]", limits));
    CHECK_FALSE(parseJson("[[[[1]]]]", limits));
    CHECK_FALSE(parseJson(std::string(1'000'000, '[')));
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK_FALSE(parseJson(objects));
}

TEST_CASE("A JSON file above the header limit is refused") {
    const test::TemporaryFolder folder;
    REQUIRE(writeFileAtomically(folder / "file.json", "[1, 2, 3]"));
    CHECK(readJsonFile(folder / "file.json"));
    ReadLimits limits;
    limits.headerBytes = 8;
    CHECK_FALSE(readJsonFile(folder / "file.json", limits));
    CHECK(readJsonFile(folder / "missing.json").error().code == ErrorCode::Io);
}
