// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>

namespace qscope::engine::kernels {

/// Where a tile of sums goes: result = (add ? result : 0) + bias + scale * sum. `bias` may be null.
template<class T>
struct ProductTile {
    T* result = nullptr;
    std::int64_t stride = 0; // between rows of the result, in elements
    std::int64_t columns = 0;
    T scale = 1;
    const T* bias = nullptr;
    bool add = false;
};

/// The parts of a matrix product that depend on the instruction set. A *panel* holds `width` rows or columns of a
/// matrix side by side: element p * width + j is the p-th of the j-th.
template<class T>
struct ProductKernels {
    static constexpr int kMaxRows = 14;
    static constexpr int kDotRows = 4;       // most rows of `dots` and `sums`
    static constexpr int kSumColumns = 1024; // most columns of `sums`

    int rows = 0;    // of the largest tile
    int columns = 0; // of every tile
    /// By rows of the tile: panel of rows times panel of columns, `depth` terms per sum.
    void (*tile[kMaxRows + 1])(std::int64_t depth, const T* left, const T* right, const ProductTile<T>& tile) = {};
    /// Packs a panel of `count` rows whose elements follow one another (row j begins at source + j * stride), and fills
    /// up to `width` with zeros.
    void (*packRows)(const T* source, std::int64_t stride, int count, int width, std::int64_t depth,
                     T* panel) = nullptr;
    /// Products without packing, for few rows on the left. By rows: left [rows, depth] times the transposed of right
    /// [tile.columns, depth].
    void (*dots[kDotRows + 1])(std::int64_t depth, const T* left, std::int64_t leftStride, const T* right,
                               std::int64_t rightStride, const ProductTile<T>& tile) = {};
    /// The same with right [depth, tile.columns].
    void (*sums[kDotRows + 1])(std::int64_t depth, const T* left, std::int64_t leftStride, const T* right,
                               std::int64_t rightStride, const ProductTile<T>& tile) = {};
};

/// For T of float and double.
template<class T>
[[nodiscard]] const ProductKernels<T>& productKernels(InstructionSet instructions);

} // namespace qscope::engine::kernels
