// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"

namespace qscope::engine {

/// Whether a weight that was read back is the result: the same codes, scales and zero points, and the same values.
[[nodiscard]] Result<bool> sameAsResult(const TensorView& read, const QuantizedTensor& result, const RunContext& context);

/// Whether two tensors have the same type, shape and bytes; Coded ones the same values.
[[nodiscard]] Result<bool> sameTensor(const TensorView& a, const TensorView& b, const RunContext& context);

} // namespace qscope::engine
