// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/coded_weight.h"

#include <span>

namespace qscope::engine {

// Where file formats put the codes of a weight of `rows` outputs x `columns` inputs (formats.md, sections 4 to 7):
// descriptions without words, to read by (`unpack`, `codesAsTensor`) and to write by (`pack`).

/// One code per byte, row-major.
[[nodiscard]] PackedCodes byteCodes(std::int64_t rows, std::int64_t columns);
/// Two codes per byte, the even column in the low nibble; rows begin with a byte.
[[nodiscard]] PackedCodes nibbleCodes(std::int64_t rows, std::int64_t columns);
/// compressed-tensors: every row a run of 32-bit words; codes straddle words, or (until 2025) leave the rest of one free.
[[nodiscard]] PackedCodes compressedCodes(std::int64_t rows, std::int64_t columns, int bits, bool straddle);
/// Its zero points, [rows, groups], packed along the rows.
[[nodiscard]] PackedCodes compressedZeros(std::int64_t rows, std::int64_t groups, int bits, bool straddle);
/// GPTQ: every row of the weight is a stream of words that runs down the stored matrix.
[[nodiscard]] PackedCodes gptqCodes(std::int64_t rows, std::int64_t columns, int bits);
/// Its zero points, [rows, groups]; version 1 stores them less one.
[[nodiscard]] PackedCodes gptqZeros(std::int64_t rows, std::int64_t groups, int bits, bool lessOne);
/// AWQ "gemm": eight outputs per word, in the order its kernels want; also its zero points, with groups as columns.
[[nodiscard]] PackedCodes awqCodes(std::int64_t rows, std::int64_t columns);
/// bitsandbytes: one run over the flattened tensor, the even element in the high nibble.
[[nodiscard]] PackedCodes bitsandbytesCodes(std::int64_t count);

/// Words from the first to the last that the description asks for, which must not be contradictory.
[[nodiscard]] std::int64_t wordCount(const PackedCodes& codes);

/// Words in which code i (row-major) has the low bits of values[i] + add; sign and offset are a reader's business. Free bits
/// are zero.
[[nodiscard]] std::vector<std::byte> pack(const PackedCodes& codes, std::span<const std::uint8_t> values, int add = 0);

} // namespace qscope::engine
