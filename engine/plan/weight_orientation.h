// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/quant/quantized_tensor.h"

namespace qscope::engine {

// Methods see the matrix of every linear layer as [outputs, inputs], so that groups lie along inputs and what a
// calibration knows of input c belongs to column c. GPT-2's files from Hugging Face have them as [inputs, outputs].

/// Whether the file has this tensor the other way round than methods see it.
[[nodiscard]] bool isStoredTransposed(const Checkpoint& checkpoint, std::size_t tensor);

/// A matrix of plain elements with rows and columns exchanged, as a view: nothing is copied.
[[nodiscard]] Result<TensorView> turned(const TensorView& matrix);

/// The stored tensor as methods see it. Unsupported when a matrix to be turned has elements in blocks.
[[nodiscard]] Result<TensorView> asMethodsSee(const Checkpoint& checkpoint, std::size_t tensor);

/// What a method made of a tensor, for the tensor as it is stored; and back.
[[nodiscard]] std::shared_ptr<const QuantizedTensor> asStored(const Checkpoint& checkpoint, std::size_t tensor,
                                                              std::shared_ptr<const QuantizedTensor> result);
[[nodiscard]] std::shared_ptr<const QuantizedTensor> asMethodsSee(std::shared_ptr<const QuantizedTensor> stored);

} // namespace qscope::engine
