// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"

#include <optional>

namespace qscope::engine {

/// The GGUF block type that holds a symmetric grid exactly: groups of 32 along the row and scales in half precision are
/// Q4_0 up to 4 bits and Q8_0 up to 8. Nothing when the grid has another form.
[[nodiscard]] std::optional<DType> exactBlockType(const GridCodes& codes);

/// The codes as blocks of `exactBlockType`.
[[nodiscard]] TensorView asExactBlocks(const GridCodes& codes, const Shape& shape);

} // namespace qscope::engine
