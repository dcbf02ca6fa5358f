// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/forms.h"

namespace qscope::engine {

/// Another result with rows and columns exchanged: a method's result for a matrix that its file has the other way
/// round.
class Transposed final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base; ///< [columns, rows]

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// A result for a matrix as one for the matrix with rows and columns exchanged.
[[nodiscard]] std::shared_ptr<const QuantizedTensor> transposed(std::shared_ptr<const QuantizedTensor> result);

} // namespace qscope::engine
