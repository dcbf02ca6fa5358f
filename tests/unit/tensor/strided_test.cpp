// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/strided_tensor.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {

TensorView counting(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 0.f);
    return makeTensor({count}, std::move(values));
}

ErrorCode refusal(Shape shape, std::vector<std::int64_t> strides, std::int64_t offset) {
    const auto tensor = stridedTensor(counting(24), std::move(shape), std::move(strides), offset);
    REQUIRE_FALSE(tensor);
    return tensor.error().code;
}

} // namespace

TEST_CASE("a strided tensor reads the element its strides name", "[tensor]") {
    const Shape shape{2, 3, 4};
    for (const std::vector<std::int64_t>& strides : {std::vector<std::int64_t>{1, 2, 6}, {12, 1, 3}, {4, 8, 1}}) {
        const auto tensor = stridedTensor(counting(24), shape, strides, 0);
        REQUIRE(tensor);
        CHECK(tensor->dtype == DType::Coded);
        std::vector<float> expected;
        for (std::int64_t i = 0; i < 2; ++i)
            for (std::int64_t j = 0; j < 3; ++j)
                for (std::int64_t k = 0; k < 4; ++k)
                    expected.push_back(static_cast<float>(i * strides[0] + j * strides[1] + k * strides[2]));
        for (std::size_t first : {0u, 5u, 23u}) {
            std::vector<float> values(24 - first);
            REQUIRE(decode(*tensor, static_cast<std::int64_t>(first), std::span(values)));
            CHECK(values == std::vector(expected.begin() + static_cast<std::ptrdiff_t>(first), expected.end()));
        }
        const auto plain = contiguous(*tensor);
        REQUIRE(plain);
        CHECK(plain->dtype == DType::F32);
        REQUIRE(plain->bytes.size() == 24 * sizeof(float));
        CHECK(std::memcmp(plain->bytes.data(), expected.data(), plain->bytes.size()) == 0);
    }
}

TEST_CASE("a row-major tensor is a plain view of its storage", "[tensor]") {
    const auto storage = counting(24);
    const auto tensor = stridedTensor(storage, {2, 1, 5}, {5, 77, 1}, 3);
    REQUIRE(tensor);
    CHECK(tensor->dtype == DType::F32);
    CHECK(tensor->bytes.data() == storage.bytes.data() + 3 * sizeof(float));
    CHECK(stridedTensor(storage, {0, 5}, {1, 1}, 0)->bytes.empty());
    CHECK(stridedTensor(storage, {}, {}, 23)->bytes.size() == 4);
}

TEST_CASE("strides that leave the storage or multiply it are refused", "[tensor]") {
    CHECK(refusal({2, 3}, {1, 12}, 0) == ErrorCode::Malformed);
    CHECK(refusal({2, 3}, {1, 2}, 19) == ErrorCode::Malformed);
    CHECK(refusal({2, 3}, {-1, 2}, 4) == ErrorCode::Malformed);
    CHECK(refusal({2, 3}, {1}, 0) == ErrorCode::Malformed);
    CHECK(refusal({2}, {1}, -1) == ErrorCode::Malformed);
    CHECK(refusal({1 << 30, 1 << 30, 1 << 30}, {0, 0, 0}, 0) == ErrorCode::Malformed);
    CHECK(refusal({2, 2}, {INT64_MAX, 1}, 0) == ErrorCode::Malformed);
    CHECK(refusal({10000, 10000}, {0, 0}, 0) == ErrorCode::Unsupported);
    CHECK(stridedTensor(makeTensor(DType::F4, {4}, std::vector<std::byte>(2)), {2}, {2}, 0).error().code == ErrorCode::Unsupported);
}
