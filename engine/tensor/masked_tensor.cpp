// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/masked_tensor.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>
#include <bit>

namespace qscope::engine {

namespace {

class MaskedSource final : public TensorSource {
public:
    explicit MaskedSource(MaskedMatrix matrix)
        : m_matrix(std::move(matrix))
        , m_rowBytes(ceilDiv(m_matrix.columns, std::int64_t{8})) {}

    DType plainType() const override { return m_matrix.scales ? DType::F32 : m_matrix.values.dtype; }
    Result<void> decode(std::int64_t first, std::span<float> out) const override { return decodeTo(first, out); }
    Result<void> decode(std::int64_t first, std::span<double> out) const override { return decodeTo(first, out); }

    Result<TensorView> contiguous(const Shape& shape) const override {
        if (m_matrix.scales) {
            std::vector<float> values(static_cast<std::size_t>(elementCount(shape)));
            QSCOPE_CHECK(decode(0, std::span<float>(values)));
            return makeTensor(shape, std::move(values));
        }
        const auto size = static_cast<std::size_t>(qscope::info(m_matrix.values.dtype).blockBits / 8);
        std::vector<std::byte> bytes(static_cast<std::size_t>(elementCount(shape)) * size);
        for (std::int64_t row = 0; row < m_matrix.rows; ++row) {
            QSCOPE_TRY(const Run run, locate(row, 0, m_matrix.columns));
            const std::byte* from = m_matrix.values.bytes.data() + static_cast<std::size_t>(run.first) * size;
            std::byte* to = bytes.data() + static_cast<std::size_t>(row * m_matrix.columns) * size;
            for (std::int64_t column = 0; column < m_matrix.columns; ++column, to += size) {
                if (!holds(row, column)) continue;
                std::copy_n(from, size, to);
                from += size;
            }
        }
        return makeTensor(m_matrix.values.dtype, shape, std::move(bytes));
    }

private:
    /// Where the values of some columns of a row lie.
    struct Run {
        std::int64_t first = 0;
        std::int64_t count = 0;
    };

    std::uint8_t maskByte(std::int64_t row, std::int64_t index) const {
        return std::to_integer<std::uint8_t>(m_matrix.mask.bytes[static_cast<std::size_t>(row * m_rowBytes + index)]);
    }
    bool holds(std::int64_t row, std::int64_t column) const { return maskByte(row, column / 8) >> column % 8 & 1; }

    /// How many of the first `columns` columns of a row hold a value.
    std::int64_t heldBefore(std::int64_t row, std::int64_t columns) const {
        std::int64_t held = 0;
        for (std::int64_t i = 0; i < columns / 8; ++i) held += std::popcount(maskByte(row, i));
        if (const auto rest = static_cast<int>(columns % 8); rest != 0)
            held += std::popcount(static_cast<std::uint8_t>(maskByte(row, columns / 8) & ((1 << rest) - 1)));
        return held;
    }

    Result<Run> locate(std::int64_t row, std::int64_t column, std::int64_t columns) const {
        const std::int64_t stored = elementCount(m_matrix.values.shape), perRow = stored / m_matrix.rows;
        double offset = static_cast<double>(row * perRow);
        if (m_matrix.rowOffsets) QSCOPE_CHECK(engine::decode(*m_matrix.rowOffsets, row, std::span(&offset, 1)));
        const std::int64_t before = heldBefore(row, column), held = heldBefore(row, column + columns) - before;
        const std::int64_t room = m_matrix.rowOffsets ? stored : static_cast<std::int64_t>(offset) + perRow;
        if (!(offset >= 0 && offset <= static_cast<double>(stored)) ||
            static_cast<std::int64_t>(offset) + before + held > room)
            return fail(ErrorCode::Malformed, "row {} of a sparse matrix has more places than values", row);
        return Run{static_cast<std::int64_t>(offset) + before, held};
    }

    /// Products in single precision, as the weight is meant, whatever they are asked for in.
    template<class Out>
    Result<void> scaleValues(std::int64_t row, std::span<Out> values) const {
        float scale = 1;
        QSCOPE_CHECK(engine::decode(*m_matrix.scales, elementCount(m_matrix.scales->shape) == 1 ? 0 : row,
                                    std::span(&scale, 1)));
        for (Out& value : values) value = static_cast<float>(value) * scale;
        return {};
    }

    template<class Out>
    Result<void> decodeTo(std::int64_t first, std::span<Out> out) const {
        constexpr std::int64_t kPiece = 1024; // on the stack
        std::array<Out, kPiece> values;
        for (std::size_t done = 0; done < out.size();) {
            const std::int64_t element = first + static_cast<std::int64_t>(done);
            const std::int64_t row = element / m_matrix.columns, column = element % m_matrix.columns;
            const std::int64_t count =
                std::min({kPiece, m_matrix.columns - column, static_cast<std::int64_t>(out.size() - done)});
            QSCOPE_TRY(const Run run, locate(row, column, count));
            QSCOPE_CHECK(engine::decode(m_matrix.values, run.first,
                                        std::span(values).first(static_cast<std::size_t>(run.count))));
            if (m_matrix.scales)
                QSCOPE_CHECK(scaleValues(row, std::span(values).first(static_cast<std::size_t>(run.count))));
            const Out* next = values.data();
            for (std::int64_t i = 0; i < count; ++i, ++done) out[done] = holds(row, column + i) ? *next++ : Out{0};
        }
        return {};
    }

    MaskedMatrix m_matrix;
    std::int64_t m_rowBytes;
};

} // namespace

Result<TensorView> maskedTensor(MaskedMatrix matrix) {
    const DTypeInfo& type = info(matrix.values.dtype);
    if (matrix.rows < 1 || matrix.columns < 1 || !checkedMul(matrix.rows, matrix.columns))
        return fail(ErrorCode::Malformed, "a sparse matrix of {} x {}", matrix.rows, matrix.columns);
    if (matrix.values.source || type.blockLength != 1 || type.blockBits % 8 != 0 || !canDecode(matrix.values.dtype))
        return fail(ErrorCode::Unsupported, "sparse values of type {}", type.name);
    if (matrix.mask.dtype != DType::U8 ||
        matrix.mask.shape != Shape{matrix.rows, ceilDiv(matrix.columns, std::int64_t{8})})
        return fail(ErrorCode::Malformed, "a mask [{}] for a sparse matrix of {} x {}",
                    fmt::join(matrix.mask.shape, ", "), matrix.rows, matrix.columns);
    if (matrix.rowOffsets &&
        (matrix.rowOffsets->dtype != DType::I64 || elementCount(matrix.rowOffsets->shape) != matrix.rows))
        return fail(ErrorCode::Malformed, "{} row offsets for {} rows", elementCount(matrix.rowOffsets->shape),
                    matrix.rows);
    if (!matrix.rowOffsets && elementCount(matrix.values.shape) % matrix.rows != 0)
        return fail(ErrorCode::Malformed, "{} values do not share out evenly over {} rows",
                    elementCount(matrix.values.shape), matrix.rows);
    if (matrix.scales) {
        const std::int64_t scales = elementCount(matrix.scales->shape);
        if ((scales != 1 && scales != matrix.rows) || !canDecode(matrix.scales->dtype) || matrix.scales->source)
            return fail(ErrorCode::Malformed, "{} scales for {} rows", scales, matrix.rows);
    }
    Shape shape{matrix.rows, matrix.columns};
    return makeTensor(std::move(shape), std::make_shared<const MaskedSource>(std::move(matrix)));
}

} // namespace qscope::engine
