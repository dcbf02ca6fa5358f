// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/small_floats.h"
#include "tests/unit/nn/operator_run.h"
#include "tests/unit/nn_onnx/close_values.h"

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using test::OperatorRun;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Format {
    std::int64_t number;           ///< as ONNX numbers types
    std::span<const float> values; ///< by code
};
const std::array<Format, 4> kFormats{{{17, kE4M3}, {18, kE4M3Fnuz}, {19, kE5M2}, {20, kE5M2Fnuz}}};

std::vector<std::uint8_t> codes(OperatorRun& op, const std::vector<float>& values, std::int64_t type,
                                bool saturate = true) {
    const Value x = makeValue<float>({std::ssize(values)}, values);
    const Value y = op.only("Cast", {&x}, {{"to", type}, {"saturate", std::int64_t{saturate}}});
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(y.host.bytes.data());
    return {bytes, bytes + y.host.bytes.size()};
}

template<class T>
std::vector<T> castTo(OperatorRun& op, const Value& x, std::int64_t type) {
    const Value y = op.only("Cast", {&x}, {{"to", type}});
    REQUIRE(y.dtype() == kDTypeOf<T>);
    return {elements<T>(y).begin(), elements<T>(y).end()};
}

} // namespace

TEST_CASE("Casting to a float of a byte finds the nearest of its values, ties to the even code") {
    OperatorRun op;
    for (const Format& format : kFormats) {
        float largest = 0;
        for (const float value : format.values)
            if (std::isfinite(value)) largest = std::max(largest, value);
        std::vector<float> samples;
        for (const float x : test::normalValues(500, 3)) samples.push_back(x * std::exp2(x * 3));
        for (std::size_t code = 0; code + 1 < 128; ++code) // each value, and each middle between two
            if (std::isfinite(format.values[code + 1]))
                samples.insert(samples.end(), {format.values[code], -format.values[code],
                                               (format.values[code] + format.values[code + 1]) / 2});
        const auto found = codes(op, samples, format.number);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const float x = std::clamp(samples[i], -largest, largest);
            std::size_t best = 0;
            for (std::size_t code = 0; code < 256; ++code) {
                if (!std::isfinite(format.values[code])) continue;
                const float is = std::abs(format.values[code] - x), was = std::abs(format.values[best] - x);
                if (is < was || (is == was && code % 2 == 0 && best % 2 != 0)) best = code;
            }
            INFO(format.number << ": " << samples[i]);
            CHECK(format.values[found[i]] == format.values[best]);
        }
    }
}

TEST_CASE("What a float of a byte cannot hold follows ONNX's table") {
    OperatorRun op;
    const std::vector<float> beyond{1e6F, -1e6F, kInfinity, -kInfinity, kNaN};
    CHECK(codes(op, beyond, 17) == std::vector<std::uint8_t>{0x7E, 0xFE, 0x7E, 0xFE, 0x7F});
    CHECK(codes(op, beyond, 19) == std::vector<std::uint8_t>{0x7B, 0xFB, 0x7B, 0xFB, 0x7F});
    CHECK(codes(op, beyond, 18) == std::vector<std::uint8_t>{0x7F, 0xFF, 0x7F, 0xFF, 0x80});
    CHECK(codes(op, beyond, 19, false) == std::vector<std::uint8_t>{0x7C, 0xFC, 0x7C, 0xFC, 0x7F});
    CHECK(codes(op, beyond, 20, false) == std::vector<std::uint8_t>{0x80, 0x80, 0x80, 0x80, 0x80});
    CHECK(codes(op, {-0.0F}, 18) == std::vector<std::uint8_t>{0}); // -0 would be NaN
    CHECK(codes(op, {464, 464.1F}, 17, false) == std::vector<std::uint8_t>{0x7E, 0x7F});
    CHECK(codes(op, {1, 1.1F, 2, 0, kNaN}, 24) == std::vector<std::uint8_t>{127, 128, 128, 0, 255});
}

TEST_CASE("Whole numbers lose their high bits, and fractions are cut or rounded as the type asks") {
    OperatorRun op;
    const Value wide = makeValue<std::int32_t>({3}, {200, -129, 511});
    CHECK(castTo<std::int8_t>(op, wide, 3) == std::vector<std::int8_t>{-56, 127, -1});
    CHECK(castTo<std::uint8_t>(op, wide, 2) == std::vector<std::uint8_t>{200, 127, 255});
    CHECK(castTo<std::int8_t>(op, wide, 22) == std::vector<std::int8_t>{-8, -1, -1});
    const Value real = makeValue<float>({4}, {2.9F, -2.9F, 1e20F, kNaN});
    CHECK(castTo<std::int32_t>(op, real, 6) == std::vector<std::int32_t>{2, -2, 2147483647, 0});
    CHECK(castTo<std::uint64_t>(op, makeValue<std::int64_t>({1}, {-1}), 13) ==
          std::vector<std::uint64_t>{~std::uint64_t{0}});
    const Value truths = op.only("Cast", {&real}, {{"to", std::int64_t{9}}});
    CHECK(truths.dtype() == DType::Bool);
    CHECK(test::numbersOf(truths) == std::vector<double>{1, 1, 1, 1});
}

TEST_CASE("Doubles round once on their way to halves") {
    OperatorRun op;
    // Just above the middle between 1 and the next half; single precision would make it the middle, which ties to 1.
    const Value x = makeValue<double>({2}, {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11});
    const Value y = op.only("Cast", {&x}, {{"to", std::int64_t{10}}});
    CHECK(test::numbersOf(y) == std::vector<double>{1 + 0x1p-10, 1});
}

TEST_CASE("Numbers become texts and come back") {
    OperatorRun op;
    const Value x = makeValue<float>({5}, {0.1F, -1e-10F, kInfinity, kNaN, 3});
    const Value texts = op.only("Cast", {&x}, {{"to", std::int64_t{8}}});
    REQUIRE(texts.texts);
    CHECK((*texts.texts)[0] == "0.1");
    CHECK((*texts.texts)[2] == "INF");
    const Value back = op.only("Cast", {&texts}, {{"to", std::int64_t{1}}});
    CHECK_FALSE(test::difference(back, x, {}));
    const Value nonsense = makeTexts({1}, {"seven"});
    CHECK(op.error("Cast", {&nonsense}, {{"to", std::int64_t{1}}}) == ErrorCode::OutOfRange);
}

TEST_CASE("Packed weights of MatMulNBits unfold with their zero points") {
    OperatorRun op;
    // Two rows of 4 columns in blocks of 2, codes 1..8, the low nibble first; zero points 1 and 2, 3 and 4.
    const Value codesOf = makeValue<std::uint8_t>({2, 2, 1}, {0x21, 0x43, 0x65, 0x87});
    const Value scales = makeValue<float>({4}, {1, 2, 10, 0.5F}), zeros = makeValue<std::uint8_t>({2}, {0x21, 0x43});
    const test::Attributes sizes{
        {"N", std::int64_t{2}}, {"K", std::int64_t{4}}, {"bits", std::int64_t{4}}, {"block_size", std::int64_t{2}}};
    const Value weight = op.only("DequantizeNBits", {&codesOf, &scales, &zeros}, sizes);
    CHECK(weight.shape() == Shape{2, 4});
    CHECK(test::numbersOf(weight) == std::vector<double>{0, 1, 2, 4, 20, 30, 1.5, 2});
    const Value middle = op.only("DequantizeNBits", {&codesOf, &scales}, sizes);
    CHECK(test::numbersOf(middle) == std::vector<double>{-7, -6, -10, -8, -30, -20, -0.5, 0});
}
