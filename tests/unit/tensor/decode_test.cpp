// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/tensor.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// A binary floating-point number from its three fields, by the textbook formula.
double fromFields(int sign, int exponent, int fraction, int fractionBits, int bias) {
    const double significand = std::ldexp(fraction, -fractionBits) + (exponent > 0 ? 1 : 0);
    return (sign != 0 ? -1 : 1) * std::ldexp(significand, (exponent > 0 ? exponent : 1) - bias);
}

/// What each code of a type means.
struct Definition {
    DType type;
    int bits;
    std::function<double(unsigned)> value;
};

const std::vector<Definition>& definitions() {
    static const std::vector<Definition> all{
        {DType::F16, 16,
         [](unsigned c) {
             const int e = c >> 10 & 31, f = c & 1023;
             if (e == 31) return f != 0 ? kNan : c >> 15 != 0 ? -kInf : kInf;
             return fromFields(static_cast<int>(c >> 15), e, f, 10, 15);
         }},
        {DType::BF16, 16,
         [](unsigned c) {
             const int e = c >> 7 & 255, f = c & 127;
             if (e == 255) return f != 0 ? kNan : c >> 15 != 0 ? -kInf : kInf;
             return fromFields(static_cast<int>(c >> 15), e, f, 7, 127);
         }},
        {DType::F8_E4M3, 8,
         [](unsigned c) {
             if ((c & 127) == 127) return kNan;
             return fromFields(static_cast<int>(c >> 7), c >> 3 & 15, c & 7, 3, 7);
         }},
        {DType::F8_E5M2, 8,
         [](unsigned c) {
             const int e = c >> 2 & 31, f = c & 3;
             if (e == 31) return f != 0 ? kNan : c >> 7 != 0 ? -kInf : kInf;
             return fromFields(static_cast<int>(c >> 7), e, f, 2, 15);
         }},
        {DType::F8_E4M3FNUZ, 8,
         [](unsigned c) { return c == 128 ? kNan : fromFields(static_cast<int>(c >> 7), c >> 3 & 15, c & 7, 3, 8); }},
        {DType::F8_E5M2FNUZ, 8,
         [](unsigned c) { return c == 128 ? kNan : fromFields(static_cast<int>(c >> 7), c >> 2 & 31, c & 3, 2, 16); }},
        {DType::F8_E8M0, 8, [](unsigned c) { return c == 255 ? kNan : std::ldexp(1.0, static_cast<int>(c) - 127); }},
        {DType::F6_E2M3, 6, [](unsigned c) { return fromFields(static_cast<int>(c >> 5), c >> 3 & 3, c & 7, 3, 1); }},
        {DType::F6_E3M2, 6, [](unsigned c) { return fromFields(static_cast<int>(c >> 5), c >> 2 & 7, c & 3, 2, 3); }},
        {DType::F4, 4, [](unsigned c) { return fromFields(static_cast<int>(c >> 3), c >> 1 & 3, c & 1, 1, 1); }},
        {DType::Bool, 8, [](unsigned c) { return c != 0 ? 1.0 : 0.0; }},
        {DType::U8, 8, [](unsigned c) { return static_cast<double>(c); }},
        {DType::I8, 8, [](unsigned c) { return c < 128 ? static_cast<double>(c) : static_cast<double>(c) - 256; }},
        {DType::U16, 16, [](unsigned c) { return static_cast<double>(c); }},
        {DType::I16, 16, [](unsigned c) { return c < 32768 ? static_cast<double>(c) : static_cast<double>(c) - 65536; }},
    };
    return all;
}

/// All codes of a type, packed from the lowest bit up.
TensorView allCodes(int bits, DType type) {
    const std::size_t codes = std::size_t{1} << bits;
    std::vector<std::byte> bytes(codes * static_cast<std::size_t>(bits) / 8);
    for (std::size_t code = 0; code < codes; ++code)
        for (int bit = 0; bit < bits; ++bit)
            if ((code >> bit & 1) != 0) {
                const std::size_t at = code * static_cast<std::size_t>(bits) + static_cast<std::size_t>(bit);
                bytes[at / 8] |= std::byte{1} << at % 8;
            }
    return makeTensor(type, {static_cast<std::int64_t>(codes)}, std::move(bytes));
}

bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b); }

} // namespace

TEST_CASE("Every code of every small type means what its definition says, in both precisions") {
    for (const auto& [type, bits, value] : definitions()) {
        CAPTURE(info(type).name);
        const TensorView tensor = allCodes(bits, type);
        std::vector<float> single(std::size_t{1} << bits);
        std::vector<double> twice(single.size());
        REQUIRE(decode(tensor, 0, std::span(single)));
        REQUIRE(decode(tensor, 0, std::span(twice)));
        std::size_t wrong = 0;
        for (unsigned code = 0; code < single.size(); ++code) {
            const double expected = value(code);
            if (!same(single[code], expected) || !same(twice[code], expected)) {
                ++wrong;
                UNSCOPED_INFO("code " << code << ": " << single[code] << ", " << twice[code] << " for " << expected);
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("The largest values of the small types are the documented ones") {
    const auto largest = [](DType type, int bits) {
        std::vector<float> values(std::size_t{1} << bits);
        REQUIRE(decode(allCodes(bits, type), 0, std::span(values)));
        float most = 0;
        for (const float value : values)
            if (std::isfinite(value)) most = std::max(most, value);
        return most;
    };
    CHECK(largest(DType::F8_E4M3, 8) == 448);
    CHECK(largest(DType::F8_E5M2, 8) == 57344);
    CHECK(largest(DType::F8_E4M3FNUZ, 8) == 240);
    CHECK(largest(DType::F8_E5M2FNUZ, 8) == 57344);
    CHECK(largest(DType::F6_E2M3, 6) == 7.5f);
    CHECK(largest(DType::F6_E3M2, 6) == 28);
    CHECK(largest(DType::F4, 4) == 6);
    CHECK(largest(DType::F16, 16) == 65504);
}

namespace {
template<class T>
void checkWide(DType type, std::vector<T> stored) {
    CAPTURE(info(type).name);
    std::vector<std::byte> bytes(stored.size() * sizeof(T));
    std::memcpy(bytes.data(), stored.data(), bytes.size());
    const auto tensor = makeTensor(type, {static_cast<std::int64_t>(stored.size())}, std::move(bytes));
    std::vector<double> twice(stored.size());
    std::vector<float> single(stored.size());
    REQUIRE(decode(tensor, 0, std::span(twice)));
    REQUIRE(decode(tensor, 0, std::span(single)));
    for (std::size_t i = 0; i < stored.size(); ++i) {
        CHECK(twice[i] == static_cast<double>(stored[i]));
        CHECK(single[i] == static_cast<float>(stored[i]));
    }
}
} // namespace

TEST_CASE("Wide types come back exactly in double precision") {
    checkWide<float>(DType::F32, {0.f, -1.5f, 3.4e38f, 1e-45f});
    checkWide<double>(DType::F64, {0.0, 0.1, -1e300, 5e-324});
    checkWide<std::uint32_t>(DType::U32, {0, 1, 4294967295u});
    checkWide<std::int32_t>(DType::I32, {0, -1, -2147483647 - 1, 2147483647});
    checkWide<std::uint64_t>(DType::U64, {0, std::uint64_t{1} << 53, (std::uint64_t{1} << 53) - 1});
    checkWide<std::int64_t>(DType::I64, {0, -(std::int64_t{1} << 53), -9007199254740991});
}

TEST_CASE("Complex values cannot be decoded, and say so") {
    const auto tensor = makeTensor(DType::C64, {1}, std::vector<std::byte>(8));
    float value = 0;
    const auto result = decode(tensor, 0, std::span(&value, 1));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::Unsupported);
    CHECK_FALSE(canDecode(DType::C64));
}
