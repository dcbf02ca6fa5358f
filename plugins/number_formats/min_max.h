// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/forms.h"
#include "engine/quant/method.h"

namespace qscope::engine {

/// Rows of a parameter table: bits, granularity, symmetric, scale; and activations'.
[[nodiscard]] std::vector<ParamSpec> minMaxParameters();

/// Output channels are the first axis, whatever the others are (a kernel's), as networks of convolutions have it.
[[nodiscard]] GridCodes minMaxOutline(const Shape& shape, const ParamValues& parameters);

/// Integers whose range is that of the values and 0, which are finite; on the context's backend.
[[nodiscard]] Result<GridCodes> minMaxIntegers(std::span<const float> values, const Shape& shape,
                                               const ParamValues& parameters, const RunContext& context);

/// Another result whose rows are multiplied: what equalization took out of one layer and put into the next, folded into
/// both.
class RowsScaled final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base;
    std::vector<float> factors; ///< one per row

    [[nodiscard]] std::uint64_t storedBits(const Shape&) const override { return qscope::engine::storedBits(*base); }
    [[nodiscard]] std::string describe() const override { return qscope::engine::describe(*base) + ", equalized rows"; }
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// Factors s of cross-layer equalization (Nagel et al., Data-free quantization, 2019): rows of the first layer are
/// divided by them, columns of the second multiplied, and then both have the range sqrt(r1 r2). Column c of the second
/// reads row `rowOf(c)` of the first. 1 where a range is 0.
[[nodiscard]] std::vector<float> equalizingFactors(std::span<const float> first, std::int64_t rows,
                                                   std::span<const float> second, std::int64_t columns,
                                                   const std::vector<std::int64_t>& rowOf);

} // namespace qscope::engine
