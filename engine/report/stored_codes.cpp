// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/stored_codes.h"

#include "engine/quant/from_blocks.h"

namespace qscope::engine {

bool isQuantized(const TensorView& tensor) {
    if (tensor.source) return tensor.source->coded() || scaledBlocks(tensor.source.get());
    return info(tensor.dtype).kind == DTypeKind::Block;
}

Result<QuantizedTensor> storedCodes(const TensorView& tensor, CodedValues values) {
    if (const auto* scaled = scaledBlocks(tensor.source.get())) return fromBlocks(*scaled, values);
    if (tensor.source && tensor.source->coded()) return fromCoded(*tensor.source->coded(), tensor.shape, values);
    return fromBlocks(tensor, values);
}

} // namespace qscope::engine
