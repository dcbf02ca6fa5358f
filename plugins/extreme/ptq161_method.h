// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/forms.h"

namespace qscope::engine {

/// Whole columns in four bits with a scale and a zero point per row; of all other columns a sign each:
/// ŵ = columnScale * (sign * amplitude of the row + mean of the row).
class MaskedSigns final : public CodeForm {
public:
    MatrixShape matrix;
    std::int64_t kept = 0;            ///< columns in four bits
    std::vector<std::uint8_t> isKept; ///< one per column
    std::vector<std::uint8_t> codes;  ///< row-major: 0..15 in kept columns, 0 (minus) or 1 in others
    std::vector<float> scales;        ///< of rows, for kept columns
    std::vector<std::uint8_t> zeros;  ///< of rows, 0..15
    std::vector<float> amplitudes;    ///< of rows
    std::vector<float> means;         ///< of rows
    std::vector<float> columnScales;  ///< of columns; unused in kept ones

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;

    /// What a code stands for.
    [[nodiscard]] float valueOf(std::size_t row, std::size_t column, std::uint8_t code) const {
        if (isKept[column] != 0) return static_cast<float>(code - zeros[row]) * scales[row];
        return columnScales[column] * ((code != 0 ? amplitudes[row] : -amplitudes[row]) + means[row]);
    }
};

} // namespace qscope::engine
