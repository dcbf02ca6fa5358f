// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/from_blocks.h"
#include "engine/tensor/half.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

using namespace qscope;
using namespace qscope::engine;

namespace {

constexpr std::int64_t kRows = 3, kColumns = 512;

void putHalf(std::byte* at, float value) {
    const std::uint16_t half = floatToHalf(value);
    std::memcpy(at, &half, sizeof half);
}

struct Scales {
    DType type;
    std::size_t scaleAt;
    std::optional<std::size_t> lowestAt = {};
    int bits = 4;
};

/// Random codes under scales that are ordinary numbers.
TensorView randomBlocks(const Scales& form, std::mt19937& random) {
    const auto size = static_cast<std::size_t>(info(form.type).blockBits / 8);
    std::vector<std::byte> bytes(static_cast<std::size_t>(kRows * kColumns / info(form.type).blockLength) * size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFFu);
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        const float scale = static_cast<float>(1 + random() % 100) / 64;
        putHalf(bytes.data() + at + form.scaleAt, random() % 5 == 0 ? -scale : scale);
        if (form.lowestAt) {
            putHalf(bytes.data() + at + form.scaleAt, scale);
            putHalf(bytes.data() + at + *form.lowestAt, -scale * static_cast<float>(random() % (1u << form.bits)));
        }
    }
    return makeTensor(form.type, {kRows, kColumns}, std::move(bytes));
}

void checkSameValues(const TensorView& view, const QuantizedTensor& codes) {
    std::vector<float> stored(static_cast<std::size_t>(kRows * kColumns)), taken(stored.size());
    REQUIRE(decode(view, 0, std::span<float>(stored)));
    REQUIRE(dequantize(codes, 0, taken));
    CHECK(stored == taken);
}

} // namespace

TEST_CASE("GGUF blocks of a grid are taken over as codes with their scales, and mean the same values", "[quant]") {
    std::mt19937 random(1);
    for (const Scales& form : {Scales{DType::Q4_0, 0}, Scales{DType::Q5_0, 0}, Scales{DType::Q8_0, 0}, Scales{DType::Q4_1, 0, 2, 4},
                               Scales{DType::Q5_1, 0, 2, 5}, Scales{DType::Q2_0, 0}, Scales{DType::TQ1_0, 52}, Scales{DType::TQ2_0, 64}}) {
        INFO(info(form.type).name);
        const TensorView view = randomBlocks(form, random);
        const auto codes = fromBlocks(view);
        REQUIRE(codes);
        checkSameValues(view, *codes);
        const auto& grid = std::get<GridCodes>(codes->codes);
        CHECK(grid.grouping.groupColumns == info(form.type).blockLength);
        CHECK(grid.values.zeros.empty() == grid.grid.symmetric);
        const auto outline = fromBlocks(view, CodedValues::None);
        REQUIRE(outline);
        CHECK(storedBits(*outline) == storedBits(*codes));
        CHECK(std::get<GridCodes>(outline->codes).values.codes.empty());
    }
}

TEST_CASE("GGUF blocks of E2M1 levels are taken over with their scales, one for the tensor included", "[quant]") {
    std::mt19937 random(2);
    std::vector<std::byte> mx(static_cast<std::size_t>(kRows * kColumns / 32 * 17)), nv(static_cast<std::size_t>(kRows * kColumns / 64 * 36));
    for (auto* bytes : {&mx, &nv})
        for (std::byte& byte : *bytes) byte = static_cast<std::byte>(random() & 0xFFu);
    for (std::size_t at = 0; at < mx.size(); at += 17) mx[at] = static_cast<std::byte>(random() % 255);
    const auto mxView = makeTensor(DType::MXFP4, {kRows, kColumns}, mx), nvView = makeTensor(DType::NVFP4, {kRows, kColumns}, nv);
    for (const TensorView& view : {mxView, nvView}) {
        const auto codes = fromBlocks(view);
        REQUIRE(codes);
        checkSameValues(view, *codes);
    }
    for (const bool divides : {false, true}) {
        const ScaledBlocks scaled{nvView, {0.3f}, divides};
        const auto view = scaledTensor(scaled);
        REQUIRE(view);
        CHECK(scaledBlocks(view->source.get()));
        const auto codes = fromBlocks(scaled);
        REQUIRE(codes);
        checkSameValues(*view, *codes);
        std::vector<double> one(1);
        std::vector<float> all(static_cast<std::size_t>(kRows * kColumns));
        REQUIRE(decode(*view, 0, std::span<float>(all)));
        for (const std::size_t element : {std::size_t{0}, std::size_t{777}, all.size() - 1}) { // any piece reads as the whole
            REQUIRE(decode(*view, static_cast<std::int64_t>(element), std::span<double>(one)));
            CHECK(one[0] == static_cast<double>(all[element]));
        }
    }
    CHECK_FALSE(scaledTensor({nvView, {1, 2}, false})); // three rows have no two parts
    CHECK_FALSE(fromBlocks(ScaledBlocks{nvView, {1, 2, 3}, false}));
}

TEST_CASE("blocks that are no codes with one scale and zero point are refused by name", "[quant]") {
    std::mt19937 random(3);
    for (const DType type : {DType::Q4_K, DType::Q6_K, DType::IQ4_NL, DType::Q1_0}) {
        const auto codes = fromBlocks(makeTensor(type, {1, 256}, std::vector<std::byte>(static_cast<std::size_t>(256 / info(type).blockLength * info(type).blockBits / 8))));
        REQUIRE_FALSE(codes);
        CHECK(codes.error().code == ErrorCode::Unsupported);
        CHECK(codes.error().message.find(info(type).name) != std::string::npos);
    }
    TensorView view = randomBlocks({DType::Q4_1, 0, 2, 4}, random);
    std::vector<std::byte> bytes(view.bytes.begin(), view.bytes.end());
    putHalf(bytes.data() + 2, 0.013f); // a lowest value above zero
    CHECK_FALSE(fromBlocks(makeTensor(DType::Q4_1, view.shape, bytes), CodedValues::None));
    std::memset(bytes.data(), 0xFF, 2); // not a number
    CHECK_FALSE(fromBlocks(makeTensor(DType::Q4_1, view.shape, bytes), CodedValues::None));
}
