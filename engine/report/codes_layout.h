// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/quant/quantized_tensor.h"

#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

/// How compressed-tensors stores the treated tensors of a file; one scheme for all of them (formats.md, section 4).
struct CompressedScheme {
    int bits = 4;
    bool symmetric = true;
    bool packed = false;       ///< pack-quantized, else int-quantized
    std::string strategy;      ///< "tensor", "channel", "group"
    std::int64_t groupSize = 0; ///< of "group"
};

/// The scheme that fits all of `grids` (not empty), or nothing: 4 and 8 bits, one grouping, along rows or whole.
[[nodiscard]] std::optional<CompressedScheme> compressedScheme(const std::vector<const GridCodes*>& grids);

/// The quantization_config of config.json for these modules.
[[nodiscard]] Json quantizationConfig(const CompressedScheme& scheme, const std::vector<std::string>& modules);

/// Rows of `bits`-wide unsigned codes, each an LSB-first stream of 32-bit words that starts afresh: I32 [rows, words].
[[nodiscard]] TensorView packedRows(std::span<const std::uint8_t> codes, std::int64_t rows, std::int64_t columns, int bits);

/// The same along the other axis, as zero points are stored: I32 [words, columns].
[[nodiscard]] TensorView packedColumns(std::span<const std::uint8_t> codes, std::int64_t rows, std::int64_t columns, int bits);

} // namespace qscope::engine
