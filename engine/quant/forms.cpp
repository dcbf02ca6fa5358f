// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"

#include "engine/tensor/half.h"

#include <algorithm>

namespace qscope::engine {

namespace {

std::uint64_t unsignedOf(std::int64_t count) { return static_cast<std::uint64_t>(count); }

/// Calls use(row, first column, values) for the parts of rows that elements [first, first + out.size()) touch.
template<class Use>
void eachRow(std::int64_t columns, std::int64_t first, std::span<float> out, Use use) {
    const std::int64_t end = first + static_cast<std::int64_t>(out.size());
    for (std::int64_t element = first; element < end;) {
        const std::int64_t row = element / columns, column = element % columns;
        const std::int64_t taken = std::min(columns - column, end - element);
        use(row, column, out.subspan(static_cast<std::size_t>(element - first), static_cast<std::size_t>(taken)));
        element += taken;
    }
}

} // namespace

float roundedTo(ScaleType type, float value) {
    if (type == ScaleType::F16) return halfToFloat(floatToHalf(value));
    if (type == ScaleType::BF16) return bfloat16ToFloat(floatToBfloat16(value));
    return value;
}

std::uint64_t AffineCodes::storedBits(const Shape& shape) const {
    return unsignedOf(elementCount(shape)) * unsignedOf(bits) + unsignedOf(grouping.count()) * 2 * bitsOf(type);
}

std::string AffineCodes::describe() const {
    return fmt::format("{}-bit grid with free offsets, groups of {} x {}", bits, grouping.groupRows, grouping.groupColumns);
}

Result<void> AffineCodes::dequantize(const Shape&, std::int64_t first, std::span<float> out) const {
    eachRow(grouping.columns, first, out, [&](std::int64_t row, std::int64_t column, std::span<float> values) {
        const std::uint8_t* code = codes.data() + row * grouping.columns + column;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto group = static_cast<std::size_t>(grouping.indexOf(row, column + static_cast<std::int64_t>(i)));
            values[i] = static_cast<float>(code[i]) * scales[group] + offsets[group];
        }
    });
    return {};
}

std::vector<float> AffineCodes::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    const auto group = static_cast<std::size_t>(grouping.indexOf(row, column));
    std::vector<float> found;
    for (int code = 0; code < 1 << bits; ++code) found.push_back(static_cast<float>(code) * scales[group] + offsets[group]);
    return found;
}

std::uint64_t TableCodes::storedBits(const Shape& shape) const {
    return unsignedOf(elementCount(shape)) * unsignedOf(bits) + bitsPerTable * tableCount +
           bitsPerGroup * unsignedOf(grouping.count());
}

std::string TableCodes::describe() const {
    return fmt::format("{}, {} bits, groups of {} x {}", name, bits, grouping.groupRows, grouping.groupColumns);
}

Result<void> TableCodes::dequantize(const Shape&, std::int64_t first, std::span<float> out) const {
    eachRow(grouping.columns, first, out, [&](std::int64_t row, std::int64_t column, std::span<float> values) {
        const std::uint8_t* code = codes.data() + row * grouping.columns + column;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto group = static_cast<std::size_t>(grouping.indexOf(row, column + static_cast<std::int64_t>(i)));
            const std::size_t table = tableOf.empty() ? group : static_cast<std::size_t>(tableOf[group]);
            values[i] = tables[(table << bits) + code[i]] * (scales.empty() ? 1.0F : scales[group]);
        }
    });
    return {};
}

std::vector<float> TableCodes::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    const auto group = static_cast<std::size_t>(grouping.indexOf(row, column));
    const std::size_t table = tableOf.empty() ? group : static_cast<std::size_t>(tableOf[group]);
    std::vector<float> found;
    for (std::size_t code = 0; code < std::size_t{1} << bits; ++code)
        found.push_back(tables[(table << bits) + code] * (scales.empty() ? 1.0F : scales[group]));
    return found;
}

std::uint64_t ColumnTransformed::storedBits(const Shape& shape) const {
    const std::uint64_t columns = unsignedOf(asMatrix(shape).columns);
    const bool hasFactors = outlineHasFactors || !factors.empty(), hasOrder = outlineHasOrder || !order.empty();
    return qscope::engine::storedBits(*base) + (hasFactors ? columns * unsignedOf(factorBits) : 0) +
           (hasOrder ? columns * unsignedOf(orderBits) : 0);
}

std::string ColumnTransformed::describe() const {
    const bool hasFactors = outlineHasFactors || !factors.empty(), hasOrder = outlineHasOrder || !order.empty();
    return fmt::format("{}{}{}", qscope::engine::describe(*base), hasFactors ? ", scaled columns" : "",
                       hasOrder ? ", columns in another order" : "");
}

Result<void> ColumnTransformed::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    const std::int64_t columns = asMatrix(shape).columns;
    Result<void> outcome;
    std::vector<float> whole;
    eachRow(columns, first, out, [&](std::int64_t row, std::int64_t column, std::span<float> values) {
        if (!outcome) return;
        if (order.empty()) {
            outcome = qscope::engine::dequantize(*base, row * columns + column, values);
        } else {
            whole.resize(static_cast<std::size_t>(columns));
            outcome = qscope::engine::dequantize(*base, row * columns, whole);
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = whole[static_cast<std::size_t>(order[static_cast<std::size_t>(column) + i])];
        }
        if (!factors.empty())
            for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[static_cast<std::size_t>(column) + i];
    });
    return outcome;
}

std::vector<float> ColumnTransformed::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    const auto at = static_cast<std::size_t>(column);
    auto found = gridLevels(*base, row, order.empty() ? column : order[at]);
    if (!factors.empty())
        for (float& level : found) level *= factors[at];
    return found;
}

std::uint64_t LowRankSum::storedBits(const Shape& shape) const {
    const MatrixShape matrix = asMatrix(shape);
    return qscope::engine::storedBits(*base) + unsignedOf(rank * (matrix.rows + matrix.columns)) * unsignedOf(factorBits);
}

std::string LowRankSum::describe() const {
    return fmt::format("{}, plus a product of rank {}", qscope::engine::describe(*base), rank);
}

Result<void> LowRankSum::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    QSCOPE_CHECK(qscope::engine::dequantize(*base, first, out));
    const std::int64_t columns = asMatrix(shape).columns;
    eachRow(columns, first, out, [&](std::int64_t row, std::int64_t column, std::span<float> values) {
        for (std::int64_t k = 0; k < rank; ++k) {
            const float factor = left[static_cast<std::size_t>(row * rank + k)];
            const float* line = right.data() + k * columns + column;
            for (std::size_t i = 0; i < values.size(); ++i) values[i] += factor * line[i];
        }
    });
    return {};
}

std::uint64_t WithOutliers::storedBits(const Shape& shape) const {
    const MatrixShape matrix = asMatrix(shape);
    const std::uint64_t count = values.empty() ? unsignedOf(outlineCount) : values.size();
    const std::uint64_t columnBits = matrix.columns > 65536 ? 32 : 16;
    return qscope::engine::storedBits(*base) + count * (16 + columnBits) + unsignedOf(matrix.rows) * 32;
}

std::string WithOutliers::describe() const {
    return fmt::format("{}, with {} single values", qscope::engine::describe(*base),
                       values.empty() ? outlineCount : static_cast<std::int64_t>(values.size()));
}

Result<void> WithOutliers::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    QSCOPE_CHECK(qscope::engine::dequantize(*base, first, out));
    eachRow(asMatrix(shape).columns, first, out, [&](std::int64_t row, std::int64_t column, std::span<float> part) {
        const auto begin = columns.begin() + rowStart[static_cast<std::size_t>(row)];
        const auto end = columns.begin() + rowStart[static_cast<std::size_t>(row) + 1];
        for (auto at = std::lower_bound(begin, end, column); at != end && *at < column + static_cast<std::int64_t>(part.size()); ++at)
            part[static_cast<std::size_t>(*at - column)] = values[static_cast<std::size_t>(at - columns.begin())];
    });
    return {};
}

std::vector<float> WithOutliers::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    return gridLevels(*base, row, column);
}

} // namespace qscope::engine
