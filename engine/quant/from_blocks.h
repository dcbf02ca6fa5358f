// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/from_coded.h"
#include "engine/tensor/scaled_blocks.h"

namespace qscope::engine {

/// GGUF blocks as codes with their scales, none rounded again, so that other formats can hold them: Q4_0, Q5_0 and Q8_0 are
/// symmetric grids in groups of 32; Q4_1 and Q5_1 asymmetric ones where every lowest value is a whole multiple of its
/// scale; Q2_0, TQ1_0 and TQ2_0 two bits with a zero point of 1; MXFP4 and NVFP4 E2M1 levels. Unsupported for other
/// types, and names what has no place in a quantized tensor.
[[nodiscard]] Result<QuantizedTensor> fromBlocks(const TensorView& blocks, CodedValues values = CodedValues::All);

/// The same with NVFP4's scale of the whole tensor.
[[nodiscard]] Result<QuantizedTensor> fromBlocks(const ScaledBlocks& weight, CodedValues values = CodedValues::All);

} // namespace qscope::engine
