// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/tensor.h"

#include <optional>

namespace qscope::engine {

/// A sparse matrix as its nonzero values, row by row, and a mask of where they stand: bit c % 8 of byte c / 8 of a
/// row's ceil(columns / 8) mask bytes says whether column c holds one.
struct MaskedMatrix {
    TensorView values; ///< plain, of any scalar type that decodes
    TensorView mask;   ///< U8 [rows, ceil(columns / 8)]
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::optional<TensorView> rowOffsets; ///< I64 [rows]: the first value of each row; none: all rows hold equally many
    std::optional<TensorView> scales;     ///< one number, or one per row, which multiplies the values; none: 1
};

/// The matrix as a Coded view. Nothing is read here: a row whose mask does not fit its values is Malformed when it is
/// decoded. Malformed when shapes or types of the parts contradict each other.
[[nodiscard]] Result<TensorView> maskedTensor(MaskedMatrix matrix);

} // namespace qscope::engine
