// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/byte_reader.h"
#include "engine/core/checked_math.h"
#include "engine/core/dtype.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <limits>

using namespace qscope;

namespace {
constexpr auto kBytes = std::to_array<unsigned char>({0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x80, 0x3F, 'a', 'b'});
ByteReader reader() { return ByteReader(std::as_bytes(std::span(kBytes))); }
} // namespace

TEST_CASE("A byte reader reads little-endian values one after another") {
    ByteReader bytes = reader();
    CHECK(bytes.u32().value() == 0x04030201u);
    CHECK(bytes.f32().value() == 1.0f);
    CHECK(bytes.text(2).value() == "ab");
    CHECK(bytes.remaining() == 0);
}

TEST_CASE("A byte reader refuses to read past the end and stays where it was") {
    ByteReader bytes = reader();
    REQUIRE(bytes.u64());
    const auto refused = bytes.u32();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Malformed);
    CHECK(bytes.position() == 8);
    CHECK(bytes.remaining() == 2);
    CHECK_FALSE(bytes.take(std::numeric_limits<std::uint64_t>::max()));
    CHECK(bytes.take(2));
}

TEST_CASE("Checked arithmetic gives nothing where a result does not fit") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(checkedMul<std::uint64_t>(1u << 31, 1u << 31) == std::uint64_t{1} << 62);
    CHECK_FALSE(checkedMul<std::uint64_t>(most, 2));
    CHECK_FALSE(checkedMul<std::int64_t>(std::numeric_limits<std::int64_t>::min(), -1));
    CHECK(checkedAdd<std::uint64_t>(most, 0) == most);
    CHECK_FALSE(checkedAdd<std::uint64_t>(most, 1));
    CHECK(checkedProduct<std::int64_t>({}) == 1);
    CHECK_FALSE(checkedProduct<std::int64_t>(std::array<std::int64_t, 3>{1 << 30, 1 << 30, 1 << 30}));
    CHECK(ceilDiv(0, 4) == 0);
    CHECK(ceilDiv(8, 4) == 2);
    CHECK(ceilDiv(9, 4) == 3);
}

TEST_CASE("Every type is found under its own name") {
    for (const DTypeInfo& row : dtypeTable()) {
        CHECK(&info(row.type) == &row);
        if (row.type == DType::Coded) CHECK_FALSE(dtypeFromName(row.name)); // says nothing about bytes
        else CHECK(dtypeFromName(row.name) == row.type);
    }
    CHECK_FALSE(dtypeFromName("Q9_9"));
}

TEST_CASE("Stored sizes count whole blocks and whole bytes") {
    CHECK(storedBytes(DType::F16, 3) == 6);
    CHECK(storedBytes(DType::Q4_0, 64) == 36);
    CHECK_FALSE(storedBytes(DType::Q4_0, 33));
    CHECK(storedBytes(DType::F6_E2M3, 4) == 3);
    CHECK_FALSE(storedBytes(DType::F6_E2M3, 3));
    CHECK_FALSE(storedBytes(DType::F64, std::numeric_limits<std::uint64_t>::max() / 4));
    CHECK(bitsPerElement(DType::Q4_K) == 4.5);
}
