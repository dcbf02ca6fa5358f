// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/quantized_tensor.h"

#include "engine/core/random.h"
#include "engine/tensor/blocks.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// A matrix of random codes; groups of 2 x 3 leave smaller ones at both edges of 5 x 7.
QuantizedTensor randomGrid(int bits, bool symmetric, Shape shape, Grouping grouping) {
    RoundedToGrid values;
    const auto random = [&](std::uint64_t stream, std::int64_t i) { return uniform(bits, stream, static_cast<std::uint64_t>(i)); };
    const int top = symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
    for (std::int64_t i = 0; i < grouping.rows * grouping.columns; ++i) {
        const int code = symmetric ? static_cast<int>(random(0, i) * (2 * top + 1)) - top : static_cast<int>(random(0, i) * (top + 1));
        values.codes.push_back(static_cast<std::uint8_t>(code));
    }
    for (std::int64_t i = 0; i < grouping.count(); ++i) {
        values.scales.push_back(static_cast<float>(0.01 + random(1, i)));
        if (!symmetric) values.zeros.push_back(static_cast<std::uint8_t>(random(2, i) * (top + 1)));
    }
    return {std::move(shape), GridCodes{{bits, symmetric, ScaleType::F32}, grouping, std::move(values)}};
}

float naive(const GridCodes& codes, std::int64_t row, std::int64_t column) {
    const auto groupsAcross = (codes.grouping.columns + codes.grouping.groupColumns - 1) / codes.grouping.groupColumns;
    const auto group = static_cast<std::size_t>(row / codes.grouping.groupRows * groupsAcross + column / codes.grouping.groupColumns);
    const std::uint8_t raw = codes.values.codes[static_cast<std::size_t>(row * codes.grouping.columns + column)];
    if (codes.grid.symmetric)
        return static_cast<float>(raw > 127 ? raw - 256 : raw) * codes.values.scales[group];
    return static_cast<float>(raw - codes.values.zeros[group]) * codes.values.scales[group];
}

} // namespace

TEST_CASE("grid codes become (q - zero) * scale in every grouping and range", "[quant]") {
    for (const bool symmetric : {true, false})
        for (const int bits : {2, 4, 8})
            for (const Grouping& grouping : {Grouping{5, 7, 2, 3}, Grouping{5, 7, 1, 7}, Grouping{5, 7, 5, 1},
                                             Grouping{5, 7, 5, 7}, Grouping{5, 7, 1, 4}}) {
                const QuantizedTensor tensor = randomGrid(bits, symmetric, {5, 7}, grouping);
                const auto& codes = std::get<GridCodes>(tensor.codes);
                for (std::int64_t first = 0; first <= 35; ++first)
                    for (std::int64_t count = 0; count <= 35 - first; count += 3) {
                        std::vector<float> out(static_cast<std::size_t>(count));
                        REQUIRE(dequantize(tensor, first, out));
                        for (std::int64_t i = 0; i < count; ++i)
                            REQUIRE(out[static_cast<std::size_t>(i)] == naive(codes, (first + i) / 7, (first + i) % 7));
                    }
            }
}

TEST_CASE("dequantizing past the end is an error", "[quant]") {
    const QuantizedTensor tensor = randomGrid(4, true, {5, 7}, {5, 7, 1, 7});
    std::vector<float> out(2);
    CHECK(dequantize(tensor, 33, out));
    CHECK(dequantize(tensor, 34, out).error().code == ErrorCode::OutOfRange);
    CHECK(dequantize(tensor, -1, out).error().code == ErrorCode::OutOfRange);
}

TEST_CASE("stored bits count codes, scales and zero points at their widths", "[quant]") {
    // 35 codes of 4 bits, 2 groups per row in 5 rows: 10 scales of 32 bits.
    CHECK(storedBits(randomGrid(4, true, {5, 7}, {5, 7, 1, 4})) == 35 * 4 + 10 * 32);
    CHECK(storedBits(randomGrid(4, false, {5, 7}, {5, 7, 1, 4})) == 35 * 4 + 10 * (32 + 4));
    auto half = randomGrid(3, false, {5, 7}, {5, 7, 5, 7});
    std::get<GridCodes>(half.codes).grid.scaleType = ScaleType::F16;
    CHECK(storedBits(half) == 35 * 3 + 16 + 3);
    CHECK(storedBits({{2, 32}, BlockCodes{DType::Q4_0, std::vector<std::byte>(36)}}) == 288);
}

TEST_CASE("the levels of a grid are the values its codes can take", "[quant]") {
    const QuantizedTensor symmetric = randomGrid(3, true, {5, 7}, {5, 7, 1, 4});
    const float scale = std::get<GridCodes>(symmetric.codes).values.scales[3];
    CHECK(gridLevels(symmetric, 1, 5) == std::vector<float>{-3 * scale, -2 * scale, -scale, 0, scale, 2 * scale, 3 * scale});

    const QuantizedTensor asymmetric = randomGrid(2, false, {5, 7}, {5, 7, 5, 7});
    const auto& values = std::get<GridCodes>(asymmetric.codes).values;
    std::vector<float> expected;
    for (int code = 0; code < 4; ++code) expected.push_back(static_cast<float>(code - values.zeros[0]) * values.scales[0]);
    CHECK(gridLevels(asymmetric, 4, 6) == expected);

    auto flat = randomGrid(4, true, {5, 7}, {5, 7, 5, 7});
    std::get<GridCodes>(flat.codes).values.scales[0] = 0;
    CHECK(gridLevels(flat, 0, 0) == std::vector<float>{0});
}

TEST_CASE("the levels of a block hold what every element of it decodes to", "[quant]") {
    std::vector<float> weights(512);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(uniform(7, 0, i) + uniform(7, 1, i) - 0.9);
    const struct {
        DType type;
        std::size_t levels;
    } cases[] = {{DType::Q4_0, 16}, {DType::Q8_0, 256}, {DType::Q4_K, 16}, {DType::Q6_K, 64}};
    for (const auto& [type, count] : cases) {
        INFO(info(type).name);
        BlockCodes codes{type, std::vector<std::byte>(storedBytes(type, 512).value())};
        encodeBlocks(type, weights, {}, codes.bytes);
        const QuantizedTensor tensor{{2, 256}, codes};
        std::vector<float> decoded(512);
        REQUIRE(dequantize(tensor, 0, decoded));
        for (std::int64_t element = 0; element < 512; element += 5) {
            const auto levels = gridLevels(tensor, element / 256, element % 256);
            CHECK(levels.size() == count);
            CHECK(std::is_sorted(levels.begin(), levels.end()));
            CHECK(std::count(levels.begin(), levels.end(), decoded[static_cast<std::size_t>(element)]) == 1);
        }
    }
}
