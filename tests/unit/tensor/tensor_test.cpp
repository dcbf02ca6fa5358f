// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/blocks.h"
#include "engine/tensor/tensor.h"
#include "tests/support/random_values.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {
TensorView q4() {
    const auto values = test::normalValues(512, 5);
    std::vector<std::byte> blocks(*storedBytes(DType::Q4_0, 512));
    encodeBlocks(DType::Q4_0, values, {}, blocks);
    return makeTensor(DType::Q4_0, {8, 64}, std::move(blocks));
}
} // namespace

TEST_CASE("Any tensor is a matrix whose columns are its last axis") {
    const auto check = [](const Shape& shape, std::int64_t rows, std::int64_t columns) {
        const MatrixShape matrix = asMatrix(shape);
        CHECK(matrix.rows == rows);
        CHECK(matrix.columns == columns);
        CHECK(elementCount(shape) == rows * columns);
    };
    check({}, 1, 1);
    check({7}, 1, 7);
    check({2, 3, 4}, 6, 4);
    check({0, 4}, 0, 4);
    check({4, 0}, 4, 0);
}

TEST_CASE("Any range of elements decodes like the same range of the whole") {
    std::vector<float> ramp(1000);
    std::iota(ramp.begin(), ramp.end(), -500.f);
    for (const TensorView& tensor : {makeTensor({10, 100}, ramp), q4(), makeTensor(DType::F6_E3M2, {64}, std::vector<std::byte>(48, std::byte{0x5A}))}) {
        const auto count = static_cast<std::size_t>(elementCount(tensor.shape));
        std::vector<float> whole(count);
        REQUIRE(decode(tensor, 0, std::span(whole)));
        for (std::size_t first = 0; first < count; first += 17)
            for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{31}, std::size_t{64}, count - first}) {
                if (first + length > count) continue;
                std::vector<float> single(length);
                std::vector<double> twice(length);
                REQUIRE(decode(tensor, static_cast<std::int64_t>(first), std::span(single)));
                REQUIRE(decode(tensor, static_cast<std::int64_t>(first), std::span(twice)));
                for (std::size_t i = 0; i < length; ++i) {
                    REQUIRE(single[i] == whole[first + i]);
                    REQUIRE(twice[i] == static_cast<double>(whole[first + i]));
                }
            }
    }
}

TEST_CASE("Elements outside a tensor are out of range") {
    const auto tensor = makeTensor({4}, {1, 2, 3, 4});
    std::vector<float> out(2);
    CHECK(decode(tensor, 2, std::span(out)));
    for (const std::int64_t first : {std::int64_t{3}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()})
        CHECK(decode(tensor, first, std::span(out)).error().code == ErrorCode::OutOfRange);
}

TEST_CASE("A tile holds its part of the matrix") {
    std::vector<float> ramp(24);
    std::iota(ramp.begin(), ramp.end(), 0.f);
    const auto tensor = makeTensor({2, 3, 4}, ramp);
    CHECK(decodeTile(tensor, 1, 2, 1, 3).value() == std::vector<float>{5, 6, 7, 9, 10, 11});
    CHECK(decodeTile(tensor, 6, 0, 0, 4).value().empty());
    CHECK_FALSE(decodeTile(tensor, 5, 2, 0, 1));
    CHECK_FALSE(decodeTile(tensor, 0, 1, 3, 2));
    CHECK_FALSE(decodeTile(tensor, 0, -1, 0, 1));
}

TEST_CASE("A tensor of stored bytes that lie at an odd address decodes all the same") {
    std::vector<std::byte> bytes(1 + 8);
    const std::uint16_t halves[] = {0x3C00, 0xC000, 0x3800, 0x0001};
    std::memcpy(bytes.data() + 1, halves, sizeof halves);
    const TensorView tensor{DType::F16, {4}, std::span(bytes).subspan(1), nullptr};
    std::vector<float> out(4);
    REQUIRE(decode(tensor, 0, std::span(out)));
    CHECK(out == std::vector<float>{1, -2, 0.5f, 0x1p-24f});
}
