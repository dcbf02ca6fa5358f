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
    for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\xFF\"", "{\"a\":1,\"a\":2}", "{\"a\\nb\":1,\"a\\nb\":2}", "\"\\ud800\""}) {
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

TEST_CASE("JSON that would take far more memory than its text is refused") {
    const auto lists = [](std::size_t count) {
        std::string text = "[[]";
        for (std::size_t i = 1; i < count; ++i) text += ",[]";
        return text + "]";
    };
    CHECK(parseJson(lists(100'000))); // 96 bytes each, of 48 MB
    const auto refused = parseJson(lists(1'000'000));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Unsupported);
    MemoryBudget budget(0);
    REQUIRE(parseJson(lists(100'000), {}, budget));
    CHECK(budget.left() < MemoryBudget(0).left() - 3 * 100'000);
}

TEST_CASE("lists of two texts within a list become one text when that is asked for") {
    MemoryBudget budget(0);
    const auto joined = parseJson(R"({"merges":[["a","b"],["c","d","e"],["f",1],"g h"],"two":["x","y"]})", {}, budget, JsonPairs::Join);
    REQUIRE(joined);
    CHECK(joined->dump() == R"({"merges":["a b",["c","d","e"],["f",1],"g h"],"two":["x","y"]})");
}
