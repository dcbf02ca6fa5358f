// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/round_to_grid.h"
#include "engine/tensor/tensor.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace qscope::engine {

/// Codes on a uniform grid with their scales and zero points.
struct GridCodes {
    UniformGrid grid;
    Grouping grouping;
    RoundedToGrid values;
    std::vector<std::int32_t> columnGroup = {}; ///< group of each column, in place of column / groupColumns (act-order)
};

/// Whole blocks of a GGUF type.
struct BlockCodes {
    DType type = DType::Q8_0;
    std::vector<std::byte> bytes;
};

/// Scales that are themselves stored as 8-bit codes: scale = levels[code] * peak of its block + mean (bitsandbytes'
/// double quantization, Dettmers et al., QLoRA, 2023, section 3).
struct NestedScales {
    std::int64_t block = 256;
    std::vector<float> levels; ///< 256
    std::vector<std::uint8_t> codes;
    std::vector<float> peaks;
    float mean = 0;
};

/// Codes that point into a table of levels: ŵ = level * scale, where a scale takes up the tensor's scale first. Groups
/// may be counted over the flattened tensor: then the grouping has one row.
struct LevelCodes {
    std::string levelSet;      ///< "E2M1", "E4M3", "NF4", "FP4"; what file formats go by
    int bits = 4;
    std::vector<float> levels; ///< 2^bits
    Grouping grouping;
    DType scaleType = DType::F32;        ///< F32, F16, BF16, F8_E4M3 or F8_E8M0; `scales` holds values of that type
    bool hasTensorScale = false;
    bool tensorScaleDivides = false;     ///< scale / tensorScale instead of scale * tensorScale
    float tensorScale = 1;
    std::vector<std::uint8_t> codes;     ///< one byte each
    std::vector<float> scales;
    std::shared_ptr<const NestedScales> nested; ///< then `scales` are their values; null: none
};

/// Any other form of codes: codebooks per row, sums of parts, whatever a method needs (`forms.h` has the common ones).
/// Immutable; an outline holds one without values, of which size and description are known. File formats go by the three
/// forms above and refuse this one by its description.
class CodeForm {
public:
    virtual ~CodeForm() = default;
    /// Everything that storing the tensor takes, in bits.
    [[nodiscard]] virtual std::uint64_t storedBits(const Shape& shape) const = 0;
    [[nodiscard]] virtual std::string describe() const = 0;
    /// Elements [first, first + out.size()) in row-major order, which lie inside the shape.
    [[nodiscard]] virtual Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const = 0;
    /// As `gridLevels`, in any order; empty: not known, or too many to draw.
    [[nodiscard]] virtual std::vector<float> levels(const Shape&, std::int64_t /*row*/, std::int64_t /*column*/) const { return {}; }
};

/// One tensor as a method left it. Knows its exact size and how to become numbers again. Immutable once built.
struct QuantizedTensor {
    Shape shape;
    std::variant<GridCodes, BlockCodes, LevelCodes, std::shared_ptr<const CodeForm>> codes;
};

/// Bits that storing the tensor takes: codes at their width, scales, zero points, column groups. Follows from the form
/// alone, so that it holds for an outline too.
[[nodiscard]] std::uint64_t storedBits(const QuantizedTensor& tensor);

/// `storedBits` per element; 0 for an empty tensor.
[[nodiscard]] double bitsPerWeight(const QuantizedTensor& tensor);

/// "4-bit grid, groups of 128", "Q4_K", "NF4, blocks of 64": for messages and lists.
[[nodiscard]] std::string describe(const QuantizedTensor& tensor);

/// Elements [first, first + out.size()) in row-major order.
[[nodiscard]] Result<void> dequantize(const QuantizedTensor& tensor, std::int64_t first, std::span<float> out);

/// The values that element (row, column) could have taken, ascending: the grid drawn over a histogram.
[[nodiscard]] std::vector<float> gridLevels(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column);

} // namespace qscope::engine
