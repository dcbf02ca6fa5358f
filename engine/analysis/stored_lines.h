// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <cstddef>
#include <cstdint>

namespace qscope::engine::detail {

/// What rows of 16-bit floats add to. Values that are not finite are 0 in all but the counts.
struct LineSums {
    std::uint32_t* counts;           ///< how often each of the 65,536 patterns occurs; added to
    std::uint16_t* columnMagnitudes; ///< [columns], patterns without the sign, which order as magnitudes do; raised
    float* columnSquares;            ///< [columns], added to
    std::uint16_t* rowMagnitudes;    ///< [rows], set
    double* rowSquares;              ///< [rows], set
};

/// Rows in one call at most, so that sums of their squares keep their digits in single precision.
inline constexpr std::int64_t kRowsInSingle = 64;

/// Whether `addStoredRows` reads the type: F16 and BF16.
[[nodiscard]] bool hasStoredRows(DType type);

/// Contiguous rows at any address, in one pass without decoding them to memory. Returns false where squares leave the
/// range of single precision, as those of BF16 may: the sums of squares are of no use then, all else is right.
[[nodiscard]] bool addStoredRows(DType type, const std::byte* values, std::int64_t rows, std::int64_t columns,
                                 const LineSums& to);

/// The same numbers on any processor.
[[nodiscard]] bool addStoredRowsPlainly(DType type, const std::byte* values, std::int64_t rows, std::int64_t columns,
                                        const LineSums& to);

/// What such rows added to columns goes on in values: raises their largest magnitudes and adds to their squares.
void mergeColumns(DType type, std::int64_t columns, const LineSums& from, float* magnitudes, double* squares);

} // namespace qscope::engine::detail
