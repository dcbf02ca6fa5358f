// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/types.h"
#include "engine/quant/quantized_tensor.h"

#include <optional>

namespace qscope::engine {

/// How ONNX stores a result: what a DequantizeLinear node reads, and from which version on (formats.md, 8.2).
struct QdqForm {
    OnnxType codes = OnnxType::I8;
    Shape scales;                    ///< empty: one scale for the whole tensor
    std::optional<std::int64_t> axis;///< of the groups; nothing: one scale
    std::int64_t blockSize = 0;      ///< along the axis; 0: one scale per index
    bool hasZeros = false;
    std::int64_t opset = 10;         ///< the first that has all this
};

/// The form of a result, from its outline alone; Unsupported names what ONNX cannot hold and what can.
[[nodiscard]] Result<QdqForm> qdqForm(const QuantizedTensor& result);

/// The first ir_version that may import an opset of ai.onnx.
[[nodiscard]] std::int64_t irVersionFor(std::int64_t opset);

/// The floating-point types that DequantizeLinear computes in.
[[nodiscard]] bool canBeScale(DType type);
/// Whether the result's scales are numbers of this type; true for an outline.
[[nodiscard]] bool scalesFit(const QuantizedTensor& result, DType type);

/// The parts in the layout of raw_data; codes and zero points as bytes.
[[nodiscard]] TensorView qdqCodes(const QuantizedTensor& result, const QdqForm& form);
[[nodiscard]] TensorView qdqZeros(const QuantizedTensor& result, const QdqForm& form);
[[nodiscard]] TensorView qdqScales(const QuantizedTensor& result, DType type);

} // namespace qscope::engine
