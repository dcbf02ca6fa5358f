// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Whether `encodeTensor` can write the type: F16, BF16 and the block types with an encoder.
[[nodiscard]] bool canEncodeTensor(DType type);

/// A tensor in a block type, or in half precision, step by step; importance, where there is any, repeats for every row.
/// OutOfRange when a weight is not finite, or when half precision cannot hold it.
[[nodiscard]] Result<QuantizedTensor> encodeTensor(DType type, const QuantInput& input, const RunContext& context);

} // namespace qscope::engine
