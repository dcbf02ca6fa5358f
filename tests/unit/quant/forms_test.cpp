// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"

#include "engine/core/random.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;

namespace {

constexpr std::int64_t kRows = 3, kColumns = 5;

float draw(std::uint64_t stream, std::size_t i) { return static_cast<float>(uniform(7, stream, i) * 2 - 1); }

std::vector<float> drawn(std::uint64_t stream, std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = draw(stream, i);
    return values;
}

std::vector<std::uint8_t> codesBelow(int levels, std::size_t count) {
    std::vector<std::uint8_t> codes(count);
    for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(uniform(8, 0, i) * levels);
    return codes;
}

AffineCodes affine() {
    AffineCodes form;
    form.bits = 3;
    form.grouping = {kRows, kColumns, 1, 2};
    form.codes = codesBelow(8, 15);
    form.scales = drawn(1, 9);
    form.offsets = drawn(2, 9);
    return form;
}

std::vector<float> whole(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(dequantize(tensor, 0, values));
    // Any part is what the whole has there.
    for (std::size_t first = 0; first <= values.size(); ++first)
        for (std::size_t count = 0; first + count <= values.size(); ++count) {
            std::vector<float> part(count);
            REQUIRE(dequantize(tensor, static_cast<std::int64_t>(first), part));
            CHECK(std::equal(part.begin(), part.end(), values.begin() + static_cast<std::ptrdiff_t>(first)));
        }
    return values;
}

std::shared_ptr<const QuantizedTensor> base() { return std::make_shared<const QuantizedTensor>(tensorOf({kRows, kColumns}, affine())); }

} // namespace

TEST_CASE("codes with free offsets are code * scale + offset of their group", "[quant]") {
    const AffineCodes form = affine();
    const auto values = whole(tensorOf({kRows, kColumns}, form));
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t column = 0; column < 5; ++column) {
            const std::size_t group = row * 3 + column / 2;
            CHECK(values[row * 5 + column] == static_cast<float>(form.codes[row * 5 + column]) * form.scales[group] + form.offsets[group]);
        }
    CHECK(storedBits(tensorOf({kRows, kColumns}, form)) == 15 * 3 + 9 * 32);
}

TEST_CASE("codes of tables are levels of the group's table times the group's scale", "[quant]") {
    TableCodes form;
    form.bits = 2;
    form.grouping = {kRows, kColumns, 1, kColumns};
    form.codes = codesBelow(4, 15);
    form.tables = drawn(3, 2 * 4);
    form.tableOf = {1, 0, 1};
    form.scales = drawn(4, 3);
    form.bitsPerTable = 64;
    form.tableCount = 2;
    form.bitsPerGroup = 17;
    const auto tensor = tensorOf({kRows, kColumns}, form);
    const auto values = whole(tensor);
    for (std::size_t i = 0; i < 15; ++i)
        CHECK(values[i] == form.tables[static_cast<std::size_t>(form.tableOf[i / 5]) * 4 + form.codes[i]] * form.scales[i / 5]);
    CHECK(storedBits(tensor) == 15 * 2 + 2 * 64 + 3 * 17);
    CHECK(gridLevels(tensor, 1, 0).size() == 4);
}

TEST_CASE("columns of another result are put in order and multiplied", "[quant]") {
    const auto plain = whole(*base());
    ColumnTransformed form;
    form.base = base();
    form.order = {4, 2, 0, 1, 3};
    form.factors = drawn(5, 5);
    form.factorBits = 16;
    form.orderBits = 32;
    const auto tensor = tensorOf({kRows, kColumns}, form);
    const auto values = whole(tensor);
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t column = 0; column < 5; ++column)
            CHECK(values[row * 5 + column] == plain[row * 5 + static_cast<std::size_t>(form.order[column])] * form.factors[column]);
    CHECK(storedBits(tensor) == storedBits(*form.base) + 5 * 48);
}

TEST_CASE("a product of low rank is added to another result", "[quant]") {
    const auto plain = whole(*base());
    LowRankSum form;
    form.base = base();
    form.rank = 2;
    form.left = drawn(6, 6);
    form.right = drawn(7, 10);
    const auto tensor = tensorOf({kRows, kColumns}, form);
    const auto values = whole(tensor);
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t column = 0; column < 5; ++column) {
            const float sum = plain[row * 5 + column] + form.left[row * 2] * form.right[column] + form.left[row * 2 + 1] * form.right[5 + column];
            CHECK(values[row * 5 + column] == Approx(sum).margin(1e-6));
        }
    CHECK(storedBits(tensor) == storedBits(*form.base) + 16 * 2 * (3 + 5));
}

TEST_CASE("single values stand in for elements of another result", "[quant]") {
    auto expected = whole(*base());
    WithOutliers form;
    form.base = base();
    form.rowStart = {0, 2, 2, 3};
    form.columns = {0, 3, 4};
    form.values = {10, 11, 12};
    const auto tensor = tensorOf({kRows, kColumns}, form);
    expected[0] = 10;
    expected[3] = 11;
    expected[14] = 12;
    CHECK(whole(tensor) == expected);
    CHECK(storedBits(tensor) == storedBits(*form.base) + 3 * 32 + 3 * 32);
}
