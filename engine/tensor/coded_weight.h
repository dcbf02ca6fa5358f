// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/tensor.h"

#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

// A quantized weight as other tools store it: packed codes, scales, zero points and the rest in tensors of their own.
// Every known layout is a value of the structs below, so that one decoder serves them all. Nothing here reads a weight
// before it is asked for.

/// Codes of `bits` bits packed into words. A matrix of `rows` x `columns` codes (row-major; how it maps to the shape of
/// the weight is its owner's business) is cut into streams, one per row or one per column; code p of stream s lies in
/// the stream's word p / codesPerWord, which is word s * streamStride + thatWord * wordStride of `words`.
struct PackedCodes {
    TensorView words;                    ///< plain, of any type; read as raw little-endian words
    int bits = 8;                        ///< of one code, 1 to 8; or 16 or 32, then a code is a word
    int wordBits = 8;                    ///< 8, 16 or 32
    bool straddle = false;               ///< codes may cross the border of two words: a bit stream, lowest bit first
    bool alongColumns = true;            ///< a stream is a row of codes; otherwise a column
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    std::int64_t streamStride = 1;       ///< in words
    std::int64_t wordStride = 1;         ///< in words
    std::vector<std::uint8_t> places;    ///< of the codes of one word, in units of `bits` from the lowest; empty: 0, 1, 2, ...
    bool isSigned = false;               ///< two's complement
    int offset = 0;                      ///< added to the code, then masked to `bits` when `wraps`
    bool wraps = false;

    [[nodiscard]] std::int64_t codesPerWord() const { return wordBits / bits; }
};

/// Malformed when the description is contradictory or a code lies outside the words. Call it once per description.
[[nodiscard]] Result<void> checkPacked(const PackedCodes& codes);

/// Codes [first, first + out.size()) in row-major order, as numbers (offset and sign applied).
void unpack(const PackedCodes& codes, std::int64_t first, std::span<std::int32_t> out);

/// The codes as a tensor of small whole numbers. Malformed as `checkPacked`, or when the shape has another count.
[[nodiscard]] Result<TensorView> codesAsTensor(PackedCodes codes, Shape shape);

/// One number per group of elements. Element (row, column) of the weight's matrix uses element
/// (row % rowPeriod) / rowsPer * rowStride + column / columnsPer * columnStride of `values`.
struct GroupValues {
    TensorView values;               ///< of any type that decodes, codes of their own among them
    std::int64_t rowPeriod = INT64_MAX;
    std::int64_t rowsPer = 1;
    std::int64_t columnsPer = 1;
    std::int64_t rowStride = 0;
    std::int64_t columnStride = 0;
};

/// w = (level - zero) * scale * tensorScale + shift, in single precision, multiplied from the left
/// (`scale` first takes up tensorScale). `level` is levels[code], or the code itself without levels.
struct CodedWeight {
    std::string scheme;               ///< "GPTQ", "AWQ", "compressed-tensors", ...
    std::int64_t rows = 1;            ///< of the matrix in which groups are counted; row-major over the weight's shape
    std::int64_t columns = 1;
    PackedCodes codes;                ///< rows x columns of its own, the same elements in the same order
    int usedBits = 0;                 ///< of the codes' bits, when they are stored in more than they need; 0: all
    std::string levelSet;             ///< name of the levels: "E2M1", "E4M3", "NF4", ...; empty: integers
    std::vector<float> levels;        ///< value of each code, 2^bits of them; empty: integers
    std::optional<GroupValues> scales;///< none: 1
    std::optional<GroupValues> zeros; ///< none: `zero`
    float zero = 0;
    std::optional<TensorView> columnGroup; ///< group of each column, in place of column / columnsPer (act-order)
    std::optional<TensorView> tensorScale; ///< one number; its reciprocal counts when `tensorScaleDivides`
    bool tensorScaleDivides = false;
    float shift = 0;                  ///< of codes that stand for scales themselves
};

/// The weight as a tensor whose values are computed when asked for. Malformed when the parts do not fit each other:
/// groups outside the scales, too few levels, a group index out of range (read once, at opening).
[[nodiscard]] Result<TensorView> codedTensor(CodedWeight weight, Shape shape);

} // namespace qscope::engine
