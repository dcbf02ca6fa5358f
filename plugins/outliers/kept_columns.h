// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"

namespace qscope::engine {

/// Another result in which some whole columns are stored apart in 16 bits, with a 32-bit number each.
class KeptColumns final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base; ///< whose codes of these columns are not looked at
    std::vector<std::int32_t> columns;           ///< ascending
    std::vector<float> values;                   ///< [rows, kept columns], as half precision holds them

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

} // namespace qscope::engine
