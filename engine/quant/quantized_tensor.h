// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/round_to_grid.h"
#include "engine/tensor/tensor.h"

#include <variant>
#include <vector>

namespace qscope::engine {

/// Codes on a uniform grid with their scales and zero points.
struct GridCodes {
    UniformGrid grid;
    Grouping grouping;
    RoundedToGrid values;
};

/// Whole blocks of a GGUF type.
struct BlockCodes {
    DType type = DType::Q8_0;
    std::vector<std::byte> bytes;
};

/// One tensor as a method left it. Knows its exact size and how to become numbers again. Immutable once built.
struct QuantizedTensor {
    Shape shape;
    std::variant<GridCodes, BlockCodes> codes;
};

/// Bits that storing the tensor takes: codes at their width, scales, zero points.
[[nodiscard]] std::uint64_t storedBits(const QuantizedTensor& tensor);

/// Elements [first, first + out.size()) in row-major order.
[[nodiscard]] Result<void> dequantize(const QuantizedTensor& tensor, std::int64_t first, std::span<float> out);

/// The values that element (row, column) could have taken, ascending: the grid drawn over a histogram.
[[nodiscard]] std::vector<float> gridLevels(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column);

} // namespace qscope::engine
