// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/coded_weight.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::int64_t kPiece = 1024; ///< elements decoded at a time, on the stack

/// The last element of the group values that a rows x columns matrix asks for; nothing on overflow.
std::optional<std::int64_t> lastGroup(const GroupValues& groups, std::int64_t rows, std::int64_t lastColumnGroup) {
    const std::int64_t lastRow = std::min(rows, groups.rowPeriod) - 1;
    const auto down = checkedMul(lastRow / groups.rowsPer, groups.rowStride);
    const auto across = checkedMul(lastColumnGroup, groups.columnStride);
    return down && across ? checkedAdd(*down, *across) : std::nullopt;
}

class CodedSource final : public TensorSource {
public:
    CodedSource(CodedWeight weight, std::vector<std::int32_t> columnGroup)
        : m_weight(std::move(weight)), m_columnGroup(std::move(columnGroup)) {}

    DType plainType() const override { return DType::F32; }
    const CodedWeight* coded() const override { return &m_weight; }

    Result<void> decode(std::int64_t first, std::span<float> out) const override {
        QSCOPE_TRY(const float factor, tensorFactor());
        const std::int64_t columns = m_weight.columns;
        std::array<std::int32_t, kPiece> codes;
        for (std::size_t done = 0; done < out.size();) {
            const std::int64_t element = first + static_cast<std::int64_t>(done);
            const std::int64_t row = element / columns, column = element % columns;
            const std::int64_t run = std::min({kPiece, columns - column, static_cast<std::int64_t>(out.size() - done)});
            const auto piece = std::span(codes).first(static_cast<std::size_t>(run));
            unpack(m_weight.codes, element, piece);
            const auto values = out.subspan(done, piece.size());
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = m_weight.levels.empty() ? static_cast<float>(piece[i]) : m_weight.levels[static_cast<std::size_t>(piece[i])];
            QSCOPE_CHECK(applyZeros(row, column, values));
            QSCOPE_CHECK(applyScales(row, column, factor, values));
            done += piece.size();
        }
        return {};
    }

    Result<void> decode(std::int64_t first, std::span<double> out) const override {
        std::array<float, kPiece> buffer;
        for (std::size_t done = 0; done < out.size();) {
            const auto piece = std::span(buffer).first(std::min<std::size_t>(buffer.size(), out.size() - done));
            QSCOPE_CHECK(decode(first + static_cast<std::int64_t>(done), piece));
            std::ranges::copy(piece, out.begin() + static_cast<std::ptrdiff_t>(done));
            done += piece.size();
        }
        return {};
    }

    Result<TensorView> contiguous(const Shape& shape) const override {
        std::vector<float> values(static_cast<std::size_t>(elementCount(shape)));
        QSCOPE_CHECK(decode(0, std::span<float>(values)));
        return makeTensor(shape, std::move(values));
    }

private:
    Result<float> tensorFactor() const {
        float factor = 1;
        if (m_weight.tensorScale) QSCOPE_CHECK(engine::decode(*m_weight.tensorScale, 0, std::span(&factor, 1)));
        return factor;
    }

    /// Calls use(begin, end, value) for each run of columns that share a group value.
    template<class Use>
    Result<void> eachGroup(const GroupValues& groups, std::int64_t row, std::int64_t column, std::int64_t count, Use use) const {
        const std::int64_t base = row % groups.rowPeriod / groups.rowsPer * groups.rowStride;
        const std::int64_t end = column + count;
        for (std::int64_t at = column; at < end;) {
            std::int64_t next = std::min(end, (at / groups.columnsPer + 1) * groups.columnsPer);
            std::int64_t group = at / groups.columnsPer;
            if (!m_columnGroup.empty()) {
                group = m_columnGroup[static_cast<std::size_t>(at)];
                for (next = at + 1; next < end && m_columnGroup[static_cast<std::size_t>(next)] == group;) ++next;
            } else if (groups.columnStride == 0) {
                next = end;
            }
            float value = 0;
            QSCOPE_CHECK(engine::decode(groups.values, base + group * groups.columnStride, std::span(&value, 1)));
            use(static_cast<std::size_t>(at - column), static_cast<std::size_t>(next - column), value);
            at = next;
        }
        return {};
    }

    Result<void> applyZeros(std::int64_t row, std::int64_t column, std::span<float> values) const {
        const auto subtract = [&](std::size_t begin, std::size_t end, float zero) {
            for (std::size_t i = begin; i < end; ++i) values[i] -= zero;
        };
        if (m_weight.zeros) return eachGroup(*m_weight.zeros, row, column, static_cast<std::int64_t>(values.size()), subtract);
        if (m_weight.zero != 0) subtract(0, values.size(), m_weight.zero);
        return {};
    }

    Result<void> applyScales(std::int64_t row, std::int64_t column, float factor, std::span<float> values) const {
        const auto multiply = [&](std::size_t begin, std::size_t end, float scale) {
            if (m_weight.tensorScale) scale = m_weight.tensorScaleDivides ? scale / factor : scale * factor;
            for (std::size_t i = begin; i < end; ++i) values[i] *= scale;
            if (m_weight.shift != 0)
                for (std::size_t i = begin; i < end; ++i) values[i] += m_weight.shift;
        };
        if (m_weight.scales) return eachGroup(*m_weight.scales, row, column, static_cast<std::int64_t>(values.size()), multiply);
        multiply(0, values.size(), 1);
        return {};
    }

    CodedWeight m_weight;
    std::vector<std::int32_t> m_columnGroup;
};

/// The group of every column, checked against the number of groups that `limit` leaves room for.
Result<std::vector<std::int32_t>> readColumnGroups(const TensorView& groups, std::int64_t columns) {
    if (elementCount(groups.shape) != columns)
        return fail(ErrorCode::Malformed, "{} group numbers for {} columns", elementCount(groups.shape), columns);
    std::array<double, 1024> piece;
    std::vector<std::int32_t> read;
    read.reserve(static_cast<std::size_t>(columns));
    while (std::ssize(read) < columns) {
        const auto numbers = std::span(piece).first(static_cast<std::size_t>(std::min(std::ssize(piece), columns - std::ssize(read))));
        QSCOPE_CHECK(engine::decode(groups, std::ssize(read), numbers));
        for (const double number : numbers) {
            if (!(number >= 0 && number < 1 << 30)) return fail(ErrorCode::Malformed, "group number {} is out of range", number);
            read.push_back(static_cast<std::int32_t>(number));
        }
    }
    return read;
}

Result<void> checkGroups(const GroupValues& groups, std::int64_t rows, std::int64_t lastColumnGroup, std::string_view what) {
    if (groups.rowPeriod < 1 || groups.rowsPer < 1 || groups.columnsPer < 1 || groups.rowStride < 0 || groups.columnStride < 0)
        return fail(ErrorCode::Malformed, "a size or stride of the {} is out of range", what);
    if (!canDecode(groups.values.dtype)) return fail(ErrorCode::Unsupported, "{} of type {}", what, info(groups.values.dtype).name);
    const auto last = lastGroup(groups, rows, lastColumnGroup);
    const std::int64_t held = elementCount(groups.values.shape);
    if (!last || *last >= held) return fail(ErrorCode::Malformed, "{} {} are too few for its groups", held, what);
    return {};
}

} // namespace

Result<TensorView> codedTensor(CodedWeight weight, Shape shape) {
    QSCOPE_CHECK(checkPacked(weight.codes));
    const auto count = checkedMul(weight.rows, weight.columns);
    if (weight.rows < 0 || weight.columns < 0 || !count || *count != elementCount(shape) ||
        *count != weight.codes.rows * weight.codes.columns)
        return fail(ErrorCode::Malformed, "{} codes for a matrix of {} x {}", weight.codes.rows * weight.codes.columns, weight.rows,
                    weight.columns);
    if (!weight.levels.empty() && (weight.levels.size() != std::size_t{1} << weight.codes.bits || weight.codes.isSigned ||
                                   weight.codes.offset != 0))
        return fail(ErrorCode::Malformed, "{} levels for codes of {} bits", weight.levels.size(), weight.codes.bits);
    if (weight.tensorScale && (elementCount(weight.tensorScale->shape) != 1 || !canDecode(weight.tensorScale->dtype)))
        return fail(ErrorCode::Malformed, "the scale of the whole tensor is not one number");
    std::vector<std::int32_t> columnGroup;
    if (weight.columnGroup) {
        QSCOPE_TRY(columnGroup, readColumnGroups(*weight.columnGroup, weight.columns));
    }
    if (*count > 0) {
        const auto lastColumnGroup = [&](const GroupValues& groups) -> std::int64_t {
            if (!columnGroup.empty()) return *std::ranges::max_element(columnGroup);
            return (weight.columns - 1) / std::max<std::int64_t>(groups.columnsPer, 1);
        };
        if (weight.scales) QSCOPE_CHECK(checkGroups(*weight.scales, weight.rows, lastColumnGroup(*weight.scales), "scales"));
        if (weight.zeros) QSCOPE_CHECK(checkGroups(*weight.zeros, weight.rows, lastColumnGroup(*weight.zeros), "zero points"));
    }
    return makeTensor(std::move(shape), std::make_shared<const CodedSource>(std::move(weight), std::move(columnGroup)));
}

} // namespace qscope::engine
