// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/types.h"

#include <vector>

namespace qscope::engine {

// Values that are stored in the model itself; see `model_files.h` for those beside it.

/// Bytes that the tensor's values take in the layout of raw_data. Malformed for a shape that is no shape; Unsupported
/// for a type that is not read.
[[nodiscard]] Result<std::uint64_t> valueBytes(const OnnxTensor& tensor, const ReadLimits& limits);

/// The values as they lie in the file, in the layout of raw_data: raw_data itself, or float_data and double_data in one
/// packed field. Nothing when they are stored in another way; Malformed when their size is wrong.
[[nodiscard]] Result<std::optional<std::span<const std::byte>>> valuesInPlace(const OnnxTensor& tensor, std::uint64_t bytes);

/// Writes values of typed fields (float_data, int32_data, ...) in the layout of raw_data. `out` has the size that
/// `valueBytes` gave. Malformed when their count is wrong or one is outside its type.
[[nodiscard]] Result<void> writeTypedValues(const OnnxTensor& tensor, std::span<std::byte> out);

} // namespace qscope::engine
