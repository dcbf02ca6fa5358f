// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/masked_tensor.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace qscope;
using namespace qscope::engine;

namespace {

template<class T>
TensorView tensorOf(DType type, Shape shape, const std::vector<T>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return makeTensor(type, std::move(shape), std::move(bytes));
}

/// Three rows of ten columns: values at columns 1 and 9, at none, and at 0, 7 and 8.
MaskedMatrix sample() {
    MaskedMatrix matrix;
    matrix.rows = 3;
    matrix.columns = 10;
    matrix.values = makeTensor({5}, {1, 2, 3, 4, 5});
    matrix.mask = tensorOf<std::uint8_t>(DType::U8, {3, 2}, {0x02, 0x02, 0, 0, 0x81, 0x01});
    matrix.rowOffsets = tensorOf<std::int64_t>(DType::I64, {3}, {0, 2, 2});
    return matrix;
}

std::vector<float> dense() {
    std::vector<float> values(30, 0.0f);
    values[1] = 1, values[9] = 2, values[20] = 3, values[27] = 4, values[28] = 5;
    return values;
}

} // namespace

TEST_CASE("a masked matrix has its values where the mask says, wherever it is read", "[tensor]") {
    const auto tensor = maskedTensor(sample());
    REQUIRE(tensor);
    for (std::int64_t first = 0; first < 30; ++first)
        for (std::int64_t count = 1; first + count <= 30; ++count) {
            std::vector<float> read(static_cast<std::size_t>(count));
            REQUIRE(decode(*tensor, first, std::span(read)));
            const auto wanted = dense();
            CHECK(std::equal(read.begin(), read.end(), wanted.begin() + first));
        }
    const auto plain = contiguous(*tensor);
    REQUIRE(plain);
    CHECK(plain->dtype == DType::F32);
    CHECK(std::memcmp(plain->bytes.data(), dense().data(), 120) == 0);
}

TEST_CASE("scales of a masked matrix multiply its rows", "[tensor]") {
    auto matrix = sample();
    matrix.scales = makeTensor({3, 1}, {2, 7, 0.5f});
    auto wanted = dense();
    for (std::size_t i = 0; i < 30; ++i) wanted[i] *= i < 10 ? 2.0f : 0.5f;
    const auto tensor = maskedTensor(matrix);
    REQUIRE(tensor);
    const auto plain = contiguous(*tensor);
    REQUIRE(plain);
    CHECK(std::memcmp(plain->bytes.data(), wanted.data(), 120) == 0);
}

TEST_CASE("masks that do not fit their values are refused, at the latest when they are read", "[tensor]") {
    const auto refused = [](auto change) {
        auto matrix = sample();
        change(matrix);
        const auto tensor = maskedTensor(matrix);
        if (!tensor) return true;
        std::vector<float> read(30);
        return !decode(*tensor, 0, std::span(read));
    };
    CHECK_FALSE(refused([](MaskedMatrix&) {}));
    CHECK(refused([](MaskedMatrix& m) { m.rows = 0; }));
    CHECK(refused([](MaskedMatrix& m) { m.columns = 17; }));
    CHECK(refused([](MaskedMatrix& m) { m.rows = m.columns = std::int64_t{1} << 40; }));
    CHECK(refused([](MaskedMatrix& m) { m.values = makeTensor({4}, {1, 2, 3, 4}); }));
    CHECK(refused([](MaskedMatrix& m) { m.rowOffsets = tensorOf<std::int64_t>(DType::I64, {3}, {0, 2, 3}); }));
    CHECK(refused([](MaskedMatrix& m) { m.rowOffsets = tensorOf<std::int64_t>(DType::I64, {3}, {-1, 2, 2}); }));
    CHECK(refused([](MaskedMatrix& m) { m.rowOffsets = tensorOf<std::int64_t>(DType::I64, {2}, {0, 2}); }));
    CHECK(refused([](MaskedMatrix& m) { m.rowOffsets.reset(); })); // five values do not share out over three rows
    CHECK(refused([](MaskedMatrix& m) { m.scales = makeTensor({2}, {1, 2}); }));
    CHECK(refused([](MaskedMatrix& m) {
        m.mask = tensorOf<std::uint8_t>(DType::U8, {3, 2}, {0x02, 0x02, 0, 0, 0xff, 0x01});
    }));
}
