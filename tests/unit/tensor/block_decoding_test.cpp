// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/half.h"
#include "tests/unit/tensor/known_blocks.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

using namespace qscope;
using namespace qscope::engine;

namespace {

using Byte = unsigned char;

double halfAt(const Byte* at) {
    std::uint16_t half;
    std::memcpy(&half, at, sizeof half);
    return static_cast<double>(halfToFloat(half));
}

/// Value e of a block by the formula of the format, in double precision.
using Definition = double (*)(const Byte* block, int e);

double q8_1(const Byte* b, int e) { return halfAt(b) * static_cast<signed char>(b[4 + e]); }
double q8_K(const Byte* b, int e) {
    float d;
    std::memcpy(&d, b, sizeof d);
    return static_cast<double>(d) * static_cast<signed char>(b[4 + e]);
}
double nvfp4(const Byte* b, int e) {
    const int scale = b[e / 16] & 127, exponent = scale >> 3;
    const double d = scale == 127 ? 0 : exponent == 0 ? scale % 8 * std::ldexp(1, -9)
                                                      : std::ldexp(1 + scale % 8 / 8.0, exponent - 7);
    const int pair = b[4 + e / 16 * 8 + e % 8], code = e % 16 < 8 ? pair % 16 : pair / 16;
    constexpr double magnitudes[]{0, 0.5, 1, 1.5, 2, 3, 4, 6};
    return d * (code < 8 ? magnitudes[code] : -magnitudes[code - 8]);
}
double q1_0(const Byte* b, int e) { return (b[2 + e / 8] >> e % 8) % 2 == 1 ? halfAt(b) : -halfAt(b); }
double q2_0(const Byte* b, int e) { return halfAt(b) * ((b[2 + e / 4] >> 2 * (e % 4)) % 4 - 1); }

struct Defined {
    DType type;
    Definition value;
};
constexpr Defined kDefined[]{
    {DType::Q8_1, q8_1}, {DType::Q8_K, q8_K}, {DType::NVFP4, nvfp4}, {DType::Q1_0, q1_0}, {DType::Q2_0, q2_0}};

std::vector<Byte> randomBytes(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Byte> bytes(count);
    for (Byte& byte : bytes) byte = static_cast<Byte>(random());
    return bytes;
}

} // namespace

TEST_CASE("Reference blocks decode to the reference values, bit for bit") {
    std::set<DType> types;
    test::forKnownBlocks([&](const test::KnownBlocks& known) {
        REQUIRE(canDecodeBlocks(known.type));
        const auto found = test::decoded(known.type, std::as_bytes(std::span(known.blocks)), known.values.size());
        CHECK(std::memcmp(found.data(), known.values.data(), known.values.size() * sizeof(float)) == 0);
        types.insert(known.type);
    });
    if (!types.empty()) CHECK(types.size() == 22);
}

TEST_CASE("Every block type can be decoded") {
    for (const DTypeInfo& type : dtypeTable()) {
        CAPTURE(type.name);
        CHECK(canDecodeBlocks(type.type) == (type.kind == DTypeKind::Block));
    }
}

TEST_CASE("Block types without known answers decode by the formulas of their definition") {
    for (const auto& [type, value] : kDefined) {
        CAPTURE(info(type).name);
        const auto length = static_cast<std::size_t>(info(type).blockLength);
        const auto size = static_cast<std::size_t>(info(type).blockBits / 8);
        const std::size_t blocks = 600;
        auto bytes = randomBytes(blocks * size, 5);
        for (std::size_t k = 0; k < blocks; ++k) bytes[k * size + (type == DType::Q8_K ? 3 : 1)] &= 0xBB; // finite scales
        const auto found = test::decoded(type, std::as_bytes(std::span(bytes)), blocks * length);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double expected = value(bytes.data() + i / length * size, static_cast<int>(i % length));
            wrong += static_cast<double>(found[i]) != static_cast<double>(static_cast<float>(expected));
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("Blocks of any bytes decode without harm, each as it would alone") {
    for (const DTypeInfo& type : dtypeTable()) {
        if (type.kind != DTypeKind::Block) continue;
        CAPTURE(type.name);
        const auto length = static_cast<std::size_t>(type.blockLength);
        const auto size = static_cast<std::size_t>(type.blockBits / 8);
        constexpr std::size_t blocks = 64;
        auto bytes = randomBytes(blocks * size, 6);
        std::fill_n(bytes.begin(), size, Byte{0xFF}); // the largest of every index
        const auto all = test::decoded(type.type, std::as_bytes(std::span(bytes)), blocks * length);
        for (std::size_t k = 0; k < blocks; ++k) {
            const auto one = test::decoded(type.type, std::as_bytes(std::span(bytes)).subspan(k * size, size), length);
            CHECK(std::memcmp(one.data(), all.data() + k * length, length * sizeof(float)) == 0);
        }
    }
}
