// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/zip_directory.h"
#include "tests/support/zip_file.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using namespace std::string_literals;

namespace {

std::span<const std::byte> bytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string textOf(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// "abcabcabc..." of 300 letters, deflated by Python's zlib without a header.
const std::string kDeflated = "\x4b\x4c\x4a\x4e\x1c\x45\xc4\x21\x00"s;

void expectBad(const std::string& archive, ErrorCode code, const std::string& says) {
    INFO(says);
    const auto directory = readZipDirectory(bytesOf(archive), {});
    REQUIRE_FALSE(directory);
    CHECK(directory.error().code == code);
    CHECK_THAT(describe(directory.error()), Catch::Contains(says));
    CHECK(describe(directory.error()).find('\n') == std::string::npos);
}

template<class T>
std::string replaced(std::string archive, std::size_t at, T value) {
    archive.replace(at, sizeof(T), reinterpret_cast<const char*>(&value), sizeof(T));
    return archive;
}

} // namespace

TEST_CASE("a zip archive's members are found where they lie") {
    for (const bool wide : {false, true})
        for (const bool sizesFollow : {false, true}) {
            INFO(wide << sizesFollow);
            ZipFile zip;
            zip.wide = wide;
            zip.sizesFollow = sizesFollow;
            zip.add("a/one", "first").add("a/", "").add("two", "second");
            for (const std::string& archive : {zip.finish(), zip.finish("a comment")}) {
                const auto directory = readZipDirectory(bytesOf(archive), {});
                REQUIRE(directory);
                REQUIRE(directory->entries.size() == 3);
                const ZipEntry* two = directory->find("two");
                REQUIRE(two);
                CHECK(textOf(two->packed) == "second");
                CHECK(archive.substr(two->offset, two->bytes) == "second");
                CHECK(textOf(*unpack(*two, 3)) == "sec");
                CHECK(textOf(*unpack(*two, 100)) == "second");
                CHECK_FALSE(directory->find("three"));
            }
        }
    CHECK(readZipDirectory(bytesOf(ZipFile().finish()), {})->entries.empty());
}

TEST_CASE("a deflated member is unpacked, in part or whole, and checked") {
    std::string plain;
    for (int i = 0; i < 100; ++i) plain += "abc";
    const auto archive = ZipFile().addDeflated("letters", kDeflated, plain).finish();
    const auto directory = readZipDirectory(bytesOf(archive), {});
    REQUIRE(directory);
    const ZipEntry& entry = directory->entries[0];
    CHECK(textOf(*unpack(entry, 1000)) == plain);
    CHECK(textOf(*unpack(entry, 300)) == plain);
    CHECK(textOf(*unpack(entry, 7)) == "abcabca");
    CHECK(unpack(entry, 0)->empty());

    const auto refusal = [](const std::string& bytes) {
        const auto list = readZipDirectory(bytesOf(bytes), {});
        REQUIRE(list);
        const auto content = unpack(list->entries[0], 1000);
        REQUIRE_FALSE(content);
        CHECK(content.error().code == ErrorCode::Malformed);
        return content.error().message;
    };
    std::string other = plain;
    other[5] = 'x';
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", kDeflated, other).finish()), Catch::Contains("checksum"));
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", kDeflated, plain + "a").finish()), Catch::Contains("does not unpack to 301"));
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", kDeflated, plain.substr(1)).finish()), Catch::Contains("does not unpack to 299"));
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", kDeflated.substr(0, 8), plain).finish()), Catch::Contains("does not unpack"));
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", kDeflated + "x", plain).finish()), Catch::Contains("does not unpack"));
    CHECK_THAT(refusal(ZipFile().addDeflated("letters", "\xff\xff"s, plain).finish()), Catch::Contains("does not unpack"));
}

TEST_CASE("an archive that lies about itself is refused") {
    const std::string good = ZipFile().add("one", "first").add("two", "second").finish();
    const std::size_t end = good.size() - 22, central = good.find("PK\x01\x02");
    REQUIRE(readZipDirectory(bytesOf(good), {}));
    using enum ErrorCode;
    expectBad("", Malformed, "no end record");
    expectBad(good.substr(0, good.size() - 1), Malformed, "no end record");
    expectBad(good + "x", Malformed, "no end record");
    expectBad("x" + good, Malformed, "does not end at");
    expectBad(replaced(good, end + 4, std::uint16_t{1}), Unsupported, "several files");
    expectBad(replaced(good, end + 10, std::uint16_t{3}), Malformed, "do not fit");
    expectBad(replaced(good, end + 10, std::uint16_t{1}), Malformed, "bytes too many");
    expectBad(replaced(good, end + 10, std::uint16_t{999}), Malformed, "do not fit");
    expectBad(replaced(good, end + 16, std::uint32_t{5}), Malformed, "does not end at");
    expectBad(replaced(good, central, std::uint32_t{0}), Malformed, "bad entry");
    expectBad(replaced(good, central + 8, std::uint16_t{1}), Unsupported, "encrypted");
    expectBad(replaced(good, central + 10, std::uint16_t{12}), Unsupported, "method 12");
    expectBad(replaced(good, central + 10, std::uint16_t{8}), Malformed, "disagree");
    expectBad(replaced(good, central + 20, std::uint32_t{6}), Malformed, "has 5 bytes and 6");
    expectBad(replaced(replaced(good, central + 20, 4u), central + 24, 4u), Malformed, "disagree");
    expectBad(replaced(good, central + 42, std::uint32_t{1}), Malformed, "no local header");
    expectBad(replaced(good, central + 42, std::uint32_t{0xFFFFFFF0}), Malformed, "behind the archive's entries");
    expectBad(replaced(good, 26, std::uint16_t{0xFFFF}), Malformed, "cut short");
    expectBad(replaced(good, 30, 'x'), Malformed, "disagree");
    expectBad(ZipFile().add("same", "1").add("same", "2").finish(), Malformed, "'same' appears twice");
    for (const char* name : {"../one", "a/../../one", "/etc/passwd", "C:one", "a\\b", ".."})
        expectBad(ZipFile().add(name, "").finish(), Malformed, "no name inside a zip archive");
    expectBad(ZipFile().add(std::string(5000, 'n'), "").finish(), Malformed, "no name inside");
    expectBad(ZipFile().addDeflated("bomb", "1234", std::string(9000, '.')).finish(), Malformed, "cannot hold");
}

TEST_CASE("members that share bytes are refused, so that no archive unfolds") {
    // The second member's header is the first one's content.
    const std::string inner = ZipFile().add("two", "second").finish();
    ZipFile zip;
    zip.add("one", inner.substr(0, inner.find("PK\x01\x02")));
    zip.list("two", "second", 30 + 3);
    expectBad(zip.finish(), ErrorCode::Malformed, "overlap");
}
