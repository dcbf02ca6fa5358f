// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/coded_weight.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Words with bits set one at a time, the slow and obvious way.
class Bits {
public:
    explicit Bits(std::size_t bytes) : m_bytes(bytes) {}
    void put(std::size_t bit, unsigned code, int width) {
        for (int i = 0; i < width; ++i, ++bit)
            if ((code >> i & 1u) != 0) m_bytes[bit / 8] |= static_cast<std::byte>(1u << bit % 8);
    }
    TensorView words(DType type) const {
        const auto width = static_cast<std::size_t>(info(type).blockBits / 8);
        return makeTensor(type, {static_cast<std::int64_t>(m_bytes.size() / width)}, m_bytes);
    }

private:
    std::vector<std::byte> m_bytes;
};

std::vector<unsigned> randomCodes(std::size_t count, int bits) {
    std::mt19937 random(7);
    std::vector<unsigned> codes(count);
    for (auto& code : codes) code = static_cast<unsigned>(random()) & ((1u << bits) - 1);
    return codes;
}

std::vector<float> valuesOf(const TensorView& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(decode(tensor, 0, std::span(values)));
    return values;
}

} // namespace

TEST_CASE("codes come out of a bit stream along rows and along columns", "[coded]") {
    constexpr std::int64_t rows = 6, columns = 64;
    for (const int bits : {1, 2, 3, 4, 5, 6, 7, 8})
        for (const bool alongColumns : {true, false}) {
            const auto codes = randomCodes(rows * columns, bits);
            const std::int64_t streams = alongColumns ? rows : columns, length = alongColumns ? columns : rows;
            const std::int64_t words = (length * bits + 31) / 32;
            Bits packed(static_cast<std::size_t>(streams * words) * 4);
            for (std::int64_t row = 0; row < rows; ++row)
                for (std::int64_t column = 0; column < columns; ++column) {
                    const std::int64_t stream = alongColumns ? row : column, place = alongColumns ? column : row;
                    // Word w of stream s lies at s + w * streams: the layout of GPTQ.
                    const std::int64_t bit = place * bits;
                    for (int i = 0; i < bits; ++i)
                        packed.put(static_cast<std::size_t>((stream + (bit + i) / 32 * streams) * 32 + (bit + i) % 32),
                                   codes[static_cast<std::size_t>(row * columns + column)] >> i & 1u, 1);
                }
            PackedCodes layout{packed.words(DType::I32), bits, 32, true, alongColumns, rows, columns, 1, streams, {}, false, 0, false};
            const auto tensor = codesAsTensor(layout, {rows, columns});
            REQUIRE(tensor);
            const auto values = valuesOf(*tensor);
            CHECK(std::equal(values.begin(), values.end(), codes.begin(), codes.end(),
                             [](float value, unsigned code) { return value == static_cast<float>(code); }));
            layout.words = makeTensor(DType::I32, {streams * words - 1}, std::vector<std::byte>(static_cast<std::size_t>(streams * words - 1) * 4));
            CHECK(codesAsTensor(layout, {rows, columns}).error().code == ErrorCode::Malformed);
        }
}

TEST_CASE("codes follow the order within a word, sign and offset", "[coded]") {
    Bits packed(8);
    const std::vector<std::uint8_t> order{0, 4, 1, 5, 2, 6, 3, 7};
    for (unsigned i = 0; i < 16; ++i) packed.put(i / 8 * 32 + order[i % 8] * 4u, i, 4);
    PackedCodes layout{packed.words(DType::I32), 4, 32, false, true, 2, 8, 1, 1, order, false, 0, false};
    const auto plain = valuesOf(*codesAsTensor(layout, {16}));
    for (unsigned i = 0; i < 16; ++i) CHECK(plain[i] == static_cast<float>(i));
    layout.isSigned = true;
    CHECK(valuesOf(*codesAsTensor(layout, {16}))[8] == -8);
    layout.isSigned = false;
    layout.offset = 1;
    layout.wraps = true; // as the zero points of old GPTQ files
    const auto wrapped = valuesOf(*codesAsTensor(layout, {16}));
    CHECK(wrapped[14] == 15);
    CHECK(wrapped[15] == 0);
    layout.places = {0, 1, 2, 8, 4, 5, 6, 7};
    CHECK(codesAsTensor(layout, {16}).error().code == ErrorCode::Malformed);
}

TEST_CASE("a coded weight is level minus zero times scale", "[coded]") {
    constexpr std::int64_t rows = 5, columns = 48, group = 16;
    const auto raw = randomCodes(rows * columns, 8);
    Bits packed(rows * columns);
    for (std::size_t i = 0; i < raw.size(); ++i) packed.put(8 * i, raw[i], 8);
    std::vector<float> scales, zeros;
    for (int i = 0; i < rows * 3; ++i) {
        scales.push_back(0.01f * static_cast<float>(i + 1));
        zeros.push_back(static_cast<float>(i % 7));
    }
    CodedWeight weight;
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = {packed.words(DType::U8), 8, 8, false, true, 1, rows * columns, 0, 1, {}, true, 0, false};
    // Scales [out, groups], zeros [groups, out]: only the strides differ.
    weight.scales = GroupValues{makeTensor({rows, 3}, scales), INT64_MAX, 1, group, 3, 1};
    weight.zeros = GroupValues{makeTensor({3, rows}, zeros), INT64_MAX, 1, group, 1, rows};
    weight.tensorScale = makeTensor({1}, {4.f});
    weight.tensorScaleDivides = true;

    const auto expected = [&](std::int64_t row, std::int64_t column, std::int64_t groupOf) {
        const float level = static_cast<float>(static_cast<std::int8_t>(raw[static_cast<std::size_t>(row * columns + column)]));
        const float scale = scales[static_cast<std::size_t>(row * 3 + groupOf)] / 4.f;
        return (level - zeros[static_cast<std::size_t>(groupOf * rows + row)]) * scale;
    };
    const auto plain = codedTensor(weight, {rows, columns});
    REQUIRE(plain);
    const auto values = valuesOf(*plain);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column)
            CHECK(values[static_cast<std::size_t>(row * columns + column)] == expected(row, column, column / group));
    std::vector<float> piece(50);
    REQUIRE(decode(*plain, 37, std::span(piece)));
    CHECK(std::equal(piece.begin(), piece.end(), values.begin() + 37));

    // Act-order: columns take their groups from an index.
    std::vector<float> index;
    for (int column = 0; column < columns; ++column) index.push_back(static_cast<float>(column * 5 % 3));
    weight.columnGroup = makeTensor({columns}, index);
    const auto ordered = codedTensor(weight, {rows, columns});
    REQUIRE(ordered);
    const auto scrambled = valuesOf(*ordered);
    for (std::int64_t column = 0; column < columns; ++column)
        CHECK(scrambled[static_cast<std::size_t>(columns + column)] == expected(1, column, column * 5 % 3));
}

TEST_CASE("levels, blocks of rows and repeated rows take their scales", "[coded]") {
    Bits packed(12);
    for (unsigned i = 0; i < 24; ++i) packed.put(4 * i, i % 16, 4);
    CodedWeight weight;
    weight.rows = 6; // as [3, 2, 4], scales along the middle axis
    weight.columns = 4;
    weight.codes = {packed.words(DType::U8), 4, 8, false, true, 1, 24, 0, 1, {}, false, 0, false};
    for (int i = 0; i < 16; ++i) weight.levels.push_back(static_cast<float>(i * i));
    weight.levelSet = "squares";
    weight.scales = GroupValues{makeTensor({2}, {1.f, 10.f}), 2, 1, 1, 1, 0};
    auto values = valuesOf(*codedTensor(weight, {3, 2, 4}));
    CHECK(values[3] == 9);
    CHECK(values[4] == 160);
    CHECK(values[9] == 81);
    weight.scales = GroupValues{makeTensor({2, 2}, {1.f, 2.f, 3.f, 4.f}), INT64_MAX, 3, 2, 2, 1};
    weight.shift = 0.5f;
    values = valuesOf(*codedTensor(weight, {6, 4}));
    CHECK(values[3] == 2 * 9 + 0.5f);
    CHECK(values[12] == 3 * 144 + 0.5f);
}

TEST_CASE("parts that do not fit each other are refused", "[coded]") {
    CodedWeight good;
    good.rows = 4;
    good.columns = 8;
    good.codes = {makeTensor(DType::U8, {32}, std::vector<std::byte>(32)), 8, 8, false, true, 4, 8, 8, 1, {}, false, 0, false};
    good.scales = GroupValues{makeTensor({4}, {1.f, 1.f, 1.f, 1.f}), INT64_MAX, 1, 8, 1, 0};
    REQUIRE(codedTensor(good, {4, 8}));
    const auto refused = [&](auto change) {
        CodedWeight weight = good;
        change(weight);
        const auto tensor = codedTensor(weight, {4, 8});
        return !tensor && tensor.error().code == ErrorCode::Malformed;
    };
    CHECK(refused([](CodedWeight& w) { w.rows = 5; }));
    CHECK(refused([](CodedWeight& w) { w.codes.streamStride = 9; }));
    CHECK(refused([](CodedWeight& w) { w.codes.bits = 9; }));
    CHECK(refused([](CodedWeight& w) { w.codes.wordBits = 16; }));
    CHECK(refused([](CodedWeight& w) { w.scales->columnStride = 1, w.scales->columnsPer = 4; }));
    CHECK(refused([](CodedWeight& w) { w.scales->rowsPer = 0; }));
    CHECK(refused([](CodedWeight& w) { w.levels = {1.f, 2.f}; }));
    CHECK(refused([](CodedWeight& w) { w.tensorScale = makeTensor({2}, {1.f, 1.f}); }));
    CHECK(refused([](CodedWeight& w) { w.columnGroup = makeTensor({7}, std::vector<float>(7)); }));
    CHECK(refused([](CodedWeight& w) {
        w.scales->columnStride = 4;
        w.columnGroup = makeTensor({8}, {0, 0, 0, 0, 0, 0, 0, 1});
    }));
    CHECK(refused([](CodedWeight& w) { w.columnGroup = makeTensor({8}, {0, 0, 0, 0, 0, 0, 0, -1}); }));
}
