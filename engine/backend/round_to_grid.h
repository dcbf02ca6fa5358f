// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// A matrix cut into groups of `groupRows` x `groupColumns` that share one scale (the last group of an axis may be
/// smaller). Per tensor: (rows, columns); output channel: (1, columns); input channel: (rows, 1); group: (1, g).
struct Grouping {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    std::int64_t groupRows = 1;
    std::int64_t groupColumns = 1;

    [[nodiscard]] std::int64_t groupsDown() const { return (rows + groupRows - 1) / groupRows; }
    [[nodiscard]] std::int64_t groupsAcross() const { return (columns + groupColumns - 1) / groupColumns; }
    [[nodiscard]] std::int64_t count() const { return groupsDown() * groupsAcross(); }
    [[nodiscard]] std::int64_t indexOf(std::int64_t row, std::int64_t column) const {
        return row / groupRows * groupsAcross() + column / groupColumns;
    }
};

enum class ScaleType : std::uint8_t { F32, F16, BF16 };

/// The uniform integer grid of round-to-nearest, all arithmetic in single precision, ties to even.
/// Symmetric: q in [-Q, Q], Q = 2^(bits-1) - 1, scale = max|w| / Q, q = clamp(rint(w / scale)).
/// Asymmetric: q in [0, 2^bits - 1], lo = min(w, 0), hi = max(w, 0), scale = (hi - lo) / (2^bits - 1),
/// zero = clamp(rint(-lo / scale)), q = clamp(rint(w / scale) + zero).
/// In both, ŵ = (q - zero) * scale. A group whose range is zero has scale 0 and codes equal to `zero`.
/// With ScaleType::F16 the scale is rounded to half precision (to nearest, at least the smallest half that is not
/// zero, at most the largest finite one) before the codes are computed with it.
/// BF16 scales come from files; rounding to them is not offered.
/// Source: Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference", 2018, section 2.
struct UniformGrid {
    int bits = 4; ///< 2 to 8
    bool symmetric = true;
    ScaleType scaleType = ScaleType::F32;
};

/// Codes row-major, one byte each: signed when the grid is symmetric, unsigned otherwise. `zeros` is empty when symmetric.
struct RoundedToGrid {
    std::vector<std::uint8_t> codes;
    std::vector<float> scales;
    std::vector<std::uint8_t> zeros;
};

} // namespace qscope::engine
