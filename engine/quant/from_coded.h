// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"
#include "engine/tensor/coded_weight.h"

namespace qscope::engine {

/// How much of a weight to read.
enum class CodedValues : std::uint8_t {
    None,   ///< the form alone: grid, grouping, levels (zero points are looked at, to tell a symmetric grid)
    Groups, ///< scales, zero points and column groups too
    All     ///< codes too
};

/// A weight as its file codes it, with identical codes and scales, so that another format can hold it without rounding
/// anything again. Scales that ONNX holds in single precision are of half precision, or powers of two, when all of them
/// fit. Integers whose zero point is the middle of their range everywhere become a symmetric grid. Unsupported
/// names the property that has no place in a quantized tensor.
[[nodiscard]] Result<QuantizedTensor> fromCoded(const CodedWeight& weight, const Shape& shape, CodedValues values = CodedValues::All);

} // namespace qscope::engine
