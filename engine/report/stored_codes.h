// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/from_coded.h"

namespace qscope::engine {

/// Whether a stored tensor is quantized already: codes with scales in tensors of their own, or blocks.
[[nodiscard]] bool isQuantized(const TensorView& tensor);

/// Such a tensor with the codes and scales that it has, whatever way they are stored in. Unsupported names what has no
/// place in a quantized tensor (`fromCoded`, `fromBlocks`).
[[nodiscard]] Result<QuantizedTensor> storedCodes(const TensorView& tensor, CodedValues values = CodedValues::All);

} // namespace qscope::engine
