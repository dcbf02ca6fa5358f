// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Where the matrices of a batch lie in an array of singles: element (row, column) of pair (outer, inner) is at
/// offset + outer * outer step + inner * inner step + row * row step + column * column step.
struct MatrixPlaces {
    std::uint32_t offset = 0;
    std::uint32_t outer = 0;
    std::uint32_t inner = 0;
    std::uint32_t row = 0;
    std::uint32_t column = 1;
};

/// C = alpha A B + bias for outer * inner pairs of matrices; A is rows x depth, B depth x columns. Laid out like the
/// shader's.
struct ProductPass {
    std::uint32_t first = 0; ///< tile to begin with; see `productTiles`
    std::uint32_t tiles = 0; ///< of the whole batch
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t depth = 0;
    std::uint32_t inner = 1;
    std::uint32_t shareB = 1; ///< so many inner pairs in a row have the same B
    float alpha = 1;
    std::uint32_t biasRow = 0; ///< steps in the bias; both 0: none
    std::uint32_t biasColumn = 0;
    MatrixPlaces a;
    MatrixPlaces b;
    std::uint32_t offsetC = 0;
    std::uint32_t outerC = 0;
    std::uint32_t innerC = 0;
    std::uint32_t rowC = 0;
};

/// Tiles of all the pairs' results together: the unit in which the work is cut.
[[nodiscard]] std::uint64_t productTiles(const ProductPass& pass, std::uint32_t outer);

/// `count` tiles from `pass.first` on. `bias` is any buffer where there is none.
void multiplyMatrices(Recorder& recorder, const ProductPass& pass, std::uint32_t count, const Buffer& a,
                      const Buffer& b, const Buffer& bias, const Buffer& c);

} // namespace qscope::gpu
