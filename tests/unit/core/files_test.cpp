// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/atomic_file.h"
#include "engine/core/mapped_file.h"
#include "tests/support/npy.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace qscope;

namespace {
std::string textOf(const std::filesystem::path& path) {
    const auto bytes = test::readBytes(path);
    return {bytes.begin(), bytes.end()};
}
std::ptrdiff_t filesIn(const std::filesystem::path& folder) {
    return std::distance(std::filesystem::directory_iterator(folder), {});
}
} // namespace

TEST_CASE("An atomic file shows the old contents until it is committed, then the new ones") {
    const test::TemporaryFolder folder;
    const auto path = folder / "file.txt";
    REQUIRE(writeFileAtomically(path, "old"));
    auto file = AtomicFile::create(path);
    REQUIRE(file);
    REQUIRE(file->write("new "));
    REQUIRE(file->write("contents"));
    CHECK(file->position() == 12);
    CHECK(textOf(path) == "old");
    CHECK(textOf(*file->flushed()) == "new contents");
    REQUIRE(file->commit());
    CHECK(textOf(path) == "new contents");
}

TEST_CASE("An atomic file that is not committed leaves nothing behind") {
    const test::TemporaryFolder folder;
    {
        auto file = AtomicFile::create(folder / "file.txt");
        REQUIRE(file);
        REQUIRE(file->write("half"));
        CHECK(filesIn(folder / "") == 1);
    }
    CHECK(filesIn(folder / "") == 0);
}

TEST_CASE("An atomic file in a folder that does not exist is an error that names the path") {
    const auto file = AtomicFile::create("/nonexistent-folder/file.txt");
    REQUIRE_FALSE(file);
    CHECK(file.error().code == ErrorCode::Io);
    CHECK_THAT(file.error().message, Catch::Contains("/nonexistent-folder/file.txt"));
}

TEST_CASE("A mapped file shows the bytes of the file") {
    const test::TemporaryFolder folder;
    REQUIRE(writeFileAtomically(folder / "file", "abc"));
    const auto file = MappedFile::open(folder / "file");
    REQUIRE(file);
    CHECK(std::string(reinterpret_cast<const char*>((*file)->bytes().data()), (*file)->bytes().size()) == "abc");
}

TEST_CASE("An empty file maps to no bytes") {
    const test::TemporaryFolder folder;
    REQUIRE(writeFileAtomically(folder / "file", ""));
    const auto file = MappedFile::open(folder / "file");
    REQUIRE(file);
    CHECK((*file)->bytes().empty());
}

TEST_CASE("What is not a readable regular file is refused without waiting") {
    const test::TemporaryFolder folder;
    CHECK_FALSE(MappedFile::open(folder / "missing"));
    CHECK_FALSE(MappedFile::open(folder / ""));
    const auto pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const auto opened = MappedFile::open(pipe);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::Io);
}
