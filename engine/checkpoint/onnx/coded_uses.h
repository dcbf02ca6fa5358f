// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/model_files.h"
#include "engine/checkpoint/onnx/weights.h"
#include "engine/tensor/coded_weight.h"

namespace qscope::engine {

/// A stored tensor as numbers: plain in its file, or codes of fewer than eight bits.
[[nodiscard]] Result<TensorView> storedValues(const OnnxWeight& weight, const OnnxPlace& place, const OnnxModelFiles& files);

/// "INT4": for people.
[[nodiscard]] std::string_view typeName(const OnnxWeight& weight);

/// A part of a coded weight: which stored tensor, and how it reads as numbers.
struct OnnxCodedPart {
    std::string_view suffix; ///< ".codes", ".scales", ".zeros", ".groups"
    std::size_t weight = 0;
    TensorView view;
};

/// A weight that a node computes from codes.
struct OnnxCodedWeight {
    TensorView view;  ///< Coded
    std::string form; ///< "QDQ INT8, axis 0"
    std::vector<OnnxCodedPart> parts; ///< the codes first
};

/// The weight behind a DequantizeLinear, MatMulNBits or MatMulBnb4 node (formats.md, 8.2 and 8.3). Unsupported when its
/// codes are no weight of the model, or it is not of a form that is known; Malformed when the parts do not fit.
/// `places` are those of `weights`, in order.
[[nodiscard]] Result<OnnxCodedWeight> codedWeight(const OnnxCodedUse& use, const std::vector<OnnxWeight>& weights,
                                                  const std::vector<OnnxPlace>& places, const OnnxModelFiles& files,
                                                  MemoryBudget& budget);

} // namespace qscope::engine
