// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"
#include "tests/support/test_data.h"
#include "tests/support/zip_file.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

Result<std::shared_ptr<const Checkpoint>> openArray(std::string_view header, std::size_t bytes, int version = 1) {
    return openBytes(*makeNpyReader(), npyFile(header, std::string(bytes, '\0'), version));
}

std::vector<double> values(const Checkpoint& checkpoint, std::size_t tensor) {
    std::vector<double> read(static_cast<std::size_t>(elementCount(checkpoint.tensors[tensor].shape)));
    REQUIRE(decode(checkpoint.view(tensor), 0, std::span(read)));
    return read;
}

} // namespace

TEST_CASE("a NumPy array in big-endian Fortran order is read in its logical order") {
    const auto opened = openBytes(*makeNpyReader(), sampleNpy());
    if (!opened) FAIL(describe(opened.error()));
    CHECK(inconsistency(**opened).empty());
    CHECK(typeName((*opened)->tensors[0]) == "I16, big-endian, Fortran order");
    CHECK(values(**opened, 0) == std::vector<double>{1, 3, 5, 2, 4, 6});
}

TEST_CASE("an array has the name of its file, or of its member in an archive") {
    const TemporaryFolder folder;
    std::ofstream(folder / "weights.npy", std::ios::binary) << sampleNpy();
    Diagnostics notes;
    const auto opened = makeNpyReader()->open(folder / "weights.npy", {}, notes);
    REQUIRE(opened);
    CHECK((*opened)->tensors[0].name == "weights");
    const auto archive = openBytes(*makeNpyReader(), sampleNpz());
    if (!archive) FAIL(describe(archive.error()));
    REQUIRE((*archive)->tensors.size() == 3);
    CHECK((*archive)->tensors[1].name == "b/c");
    CHECK(typeName((*archive)->tensors[1]) == "F64, Fortran order");
    CHECK(typeName((*archive)->tensors[2]) == "U8, deflated");
    CHECK(values(**archive, 0) == std::vector<double>{0, 1, 2, 3});
    CHECK(values(**archive, 2) == std::vector<double>{42});
}

TEST_CASE("each rule of NumPy files refuses the file that breaks it") {
    struct Case {
        std::string header;
        std::size_t bytes;
        ErrorCode code;
        std::string says;
    };
    using enum ErrorCode;
    const std::vector<Case> cases{
        {"", 0, Malformed, "no dict"},
        {"{", 0, Malformed, "no dict of three"},
        {"{}", 0, Malformed, "lacks"},
        {"{'descr': '<f4'}", 0, Malformed, "lacks"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, Malformed, "'x'"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, Malformed, "'descr'"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", 8, Malformed, "no order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 2}", 8, Malformed, "no shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}", 16, Malformed, "no shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4, Malformed, "8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 0, Malformed, "negative"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 0, Malformed, "no shape"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}", 0, Malformed, "overflows"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0, Malformed, "overflows"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904)}", 0, Malformed, "huge axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, Malformed, "takes 8 bytes, 7 follow"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, Malformed, "takes 8 bytes, 9 follow"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 32, Unsupported, "'<f16'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 0, Unsupported, "'|O'"},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,)}", 16, Unsupported, "'<M8[ns]'"},
        {"{'descr': '|V2', 'fortran_order': False, 'shape': (2,)}", 4, Unsupported, "'|V2'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, Unsupported, "structured"},
    };
    REQUIRE(openArray("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }   \n", 8));
    REQUIRE(openArray("{\"shape\": (2L, 1L), \"fortran_order\": False, \"descr\": \"=f4\"}", 8, 2));
    for (const Case& bad : cases) {
        INFO(bad.header);
        const auto opened = openArray(bad.header, bad.bytes);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == bad.code);
        CHECK_THAT(describe(opened.error()), Catch::Contains(bad.says));
        CHECK(describe(opened.error()).find('\n') == std::string::npos);
    }
    const auto says = [](const std::string& bytes) { return describe(openBytes(*makeNpyReader(), bytes).error()); };
    CHECK_THAT(says(""), Catch::Contains("no NumPy array"));
    CHECK_THAT(says("\x93NUMPY"), Catch::Contains("bytes needed"));
    CHECK_THAT(says(npyFile("", "", 4)), Catch::Contains("version 4"));
    CHECK_THAT(says(npyFile(std::string(20'000, ' '), "", 2)), Catch::Contains("header of 20000 bytes"));
    CHECK_THAT(says(ZipFile().add("a.txt", "x").finish()), Catch::Contains("no NumPy arrays"));
    CHECK_THAT(says(ZipFile().add("a.npy", "x").finish()), Catch::Contains("array 'a.npy'"));
    REQUIRE(openBytes(*makeNpyReader(), ZipFile().finish()));
}

TEST_CASE("a deflated array that is damaged says so when it is read, and one that is too large is not unpacked") {
    const std::string array = npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", "ab");
    const auto length = static_cast<std::uint16_t>(array.size());
    std::string packed = Bytes().put(std::uint8_t{1}).put(length).put(static_cast<std::uint16_t>(~length)).data + array;
    const auto good = openBytes(*makeNpyReader(), ZipFile().addDeflated("x.npy", packed, array).finish());
    REQUIRE(good);
    CHECK(values(**good, 0) == std::vector<double>{'a', 'b'});
    packed.back() = 'c';
    CHECK_FALSE(openBytes(*makeNpyReader(), ZipFile().addDeflated("x.npy", packed, array).finish())); // small: seen at opening

    // A member that claims 300 MB in 300 kB: the header is there, the rest is not asked for.
    const std::string large = npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (300000000,)}", "");
    std::string zip = ZipFile().addDeflated("x.npy", std::string("\0", 1) + Bytes().put(static_cast<std::uint16_t>(60'000)).put(static_cast<std::uint16_t>(~60'000)).data + large +
                                                         std::string(300'000, '\0'), large).finish();
    const auto size = static_cast<std::uint32_t>(large.size() + 300'000'000);
    for (const std::size_t at : {std::size_t{22}, zip.rfind("PK\x01\x02") + 24}) zip.replace(at, 4, reinterpret_cast<const char*>(&size), 4);
    const auto opened = openBytes(*makeNpyReader(), zip);
    REQUIRE_FALSE(opened);
    CHECK_THAT(describe(opened.error()), Catch::Contains("unfolds"));
}
