// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"

namespace qscope::engine {

// Forms of codes that several methods share. What is stored in 16 bits holds values that half precision (or bfloat16)
// has: whoever builds a form rounds them (`roundedTo`).

/// Codes with a scale and an offset per group that are free numbers: ŵ = code * scale + offset.
class AffineCodes final : public CodeForm {
public:
    int bits = 4;
    Grouping grouping;
    ScaleType type = ScaleType::F16; ///< of scales and offsets
    std::vector<std::uint8_t> codes; ///< unsigned, row-major
    std::vector<float> scales;       ///< one per group
    std::vector<float> offsets;

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// Codes that point into one of several tables: ŵ = tables[table of the group][code] * scale of the group.
class TableCodes final : public CodeForm {
public:
    std::string name; ///< for people: "k-means codebooks"
    int bits = 4;
    Grouping grouping;
    std::vector<float> tables;               ///< [tables, 2^bits]
    std::vector<std::int32_t> tableOf;       ///< one per group; empty: every group uses the table of its own number
    std::vector<float> scales;               ///< one per group; empty: 1 and not stored
    std::vector<std::uint8_t> codes;         ///< row-major
    std::uint64_t bitsPerTable = 0;          ///< 0: known to the method and not stored
    std::uint64_t tableCount = 0;            ///< stored tables
    std::uint64_t bitsPerGroup = 0;          ///< scale and the choice of a table

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// Another result whose columns are multiplied and put in order: column c is column order[c] of the base times factors[c].
class ColumnTransformed final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base;
    std::vector<float> factors;      ///< empty: none
    std::vector<std::int32_t> order; ///< a permutation; empty: none
    int factorBits = 0;              ///< of each factor; 0: they are folded into the layer before
    int orderBits = 0;               ///< of each column; 0: folded
    bool outlineHasFactors = false;  ///< for outlines, which hold no values
    bool outlineHasOrder = false;

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// Another result plus a product of two narrow matrices, stored in 16 bits each: W = base + left right.
class LowRankSum final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base;
    std::int64_t rank = 0;
    int factorBits = 16;      ///< of one entry
    std::vector<float> left;  ///< [rows, rank]
    std::vector<float> right; ///< [rank, columns]

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
};

/// Another result in which some elements are replaced by stored values, in compressed rows: 16 bits a value, 16 bits a
/// column (32 in matrices wider than 65536), 32 bits a row.
class WithOutliers final : public CodeForm {
public:
    std::shared_ptr<const QuantizedTensor> base;
    std::vector<std::int64_t> rowStart;  ///< rows + 1
    std::vector<std::int32_t> columns;   ///< ascending in each row
    std::vector<float> values;
    std::int64_t outlineCount = 0;       ///< expected number, for outlines

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// A tensor of any of these forms.
template<class Form>
[[nodiscard]] QuantizedTensor tensorOf(Shape shape, Form form) {
    return {std::move(shape), std::shared_ptr<const CodeForm>(std::make_shared<const Form>(std::move(form)))};
}

/// The form behind a tensor, or null when it has another.
template<class Form>
[[nodiscard]] const Form* formOf(const QuantizedTensor& tensor) {
    const auto* form = std::get_if<std::shared_ptr<const CodeForm>>(&tensor.codes);
    return form ? dynamic_cast<const Form*>(form->get()) : nullptr;
}

[[nodiscard]] inline std::uint64_t bitsOf(ScaleType type) { return type == ScaleType::F32 ? 32 : 16; }
/// The nearest value that the type holds (ties to even).
[[nodiscard]] float roundedTo(ScaleType type, float value);

} // namespace qscope::engine
