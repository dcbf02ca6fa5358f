// SPDX-License-Identifier: GPL-3.0-or-later
// Blocked product after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): the right
// side is packed once into panels as wide as a tile, blocks of the left side by the thread that multiplies them.
#include "engine/nn/kernels/matmul.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/product_kernels.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kDepth = 384;     // terms per pass: a panel of each side stays in the first two caches
constexpr std::int64_t kBlockRows = 112; // rows per task: their packed block stays in the second cache
constexpr std::int64_t kPackedBytes = 8 << 20;

/// Up to so many rows, packing the right side costs more than it saves (measured).
template<class T>
bool isFew(const MatrixProduct<T>& product) {
    return product.rows <= (product.right.transposed ? 32 : 12);
}

/// The rows of the left side or the columns of the right side, for packing.
template<class T>
struct Lines {
    const T* values;
    std::int64_t stride;
    bool whole; // a line's elements follow one another

    void pack(const ProductKernels<T>& kernels, std::int64_t first, std::int64_t count, int width, std::int64_t begin,
              std::int64_t depth, T* panel) const {
        if (whole)
            return kernels.packRows(values + first * stride + begin, stride, static_cast<int>(count), width, depth,
                                    panel);
        for (std::int64_t p = 0; p < depth; ++p, panel += width) {
            std::memcpy(panel, values + (begin + p) * stride + first, static_cast<std::size_t>(count) * sizeof(T));
            std::fill(panel + count, panel + width, T(0));
        }
    }
};

/// One item of a batch.
template<class T>
struct Item {
    const MatrixProduct<T>& product;
    const ProductKernels<T>& kernels;
    Lines<T> left;
    Lines<T> right;
    T* result;

    Item(const MatrixProduct<T>& whole, std::int64_t index)
        : product(whole)
        , kernels(productKernels<T>(whole.instructions))
        , left{whole.left.values.data() + index * whole.left.batchStride, whole.left.stride, !whole.left.transposed}
        , right{whole.right.values.data() + index * whole.right.batchStride, whole.right.stride, whole.right.transposed}
        , result(whole.result.data() + index * whole.resultBatchStride) {}

    [[nodiscard]] ProductTile<T> tileAt(std::int64_t row, std::int64_t column, std::int64_t columns) const {
        return {result + row * product.resultStride + column,
                product.resultStride,
                columns,
                product.scale,
                product.bias.empty() ? nullptr : product.bias.data() + column,
                product.accumulate};
    }

    /// Panels of the columns [first, first + columns), pass after pass.
    void packRight(std::int64_t first, std::int64_t columns, std::int64_t panel, T* packed) const {
        const std::int64_t width = kernels.columns, padded = ceilDiv(columns, width) * width;
        const std::int64_t count = std::min(width, columns - panel * width);
        for (std::int64_t begin = 0; begin < product.inner; begin += kDepth) {
            const std::int64_t depth = std::min(kDepth, product.inner - begin);
            right.pack(kernels, first + panel * width, count, kernels.columns, begin, depth,
                       packed + begin * padded + panel * width * depth);
        }
    }

    /// Rows [row, row + rows) of the panels [panel, lastPanel) of what packRight packed. `block`: rows * kDepth values.
    void multiplyBlock(std::int64_t row, std::int64_t rows, std::int64_t first, std::int64_t columns,
                       std::int64_t panel, std::int64_t lastPanel, const T* packed, T* block) const {
        const std::int64_t width = kernels.columns, padded = ceilDiv(columns, width) * width;
        const std::int64_t strips = ceilDiv<std::int64_t>(rows, kernels.rows); // of almost equal height
        const auto stripBegin = [&](std::int64_t strip) { return strip * rows / strips; };
        for (std::int64_t begin = 0; begin < product.inner; begin += kDepth) {
            const std::int64_t depth = std::min(kDepth, product.inner - begin);
            for (std::int64_t s = 0; s < strips; ++s) {
                const std::int64_t height = stripBegin(s + 1) - stripBegin(s);
                left.pack(kernels, row + stripBegin(s), height, static_cast<int>(height), begin, depth,
                          block + stripBegin(s) * depth);
            }
            for (std::int64_t q = panel; q < lastPanel; ++q)
                for (std::int64_t s = 0; s < strips; ++s) {
                    auto tile = tileAt(row + stripBegin(s), first + q * width, std::min(width, columns - q * width));
                    if (begin > 0) {
                        tile.bias = nullptr;
                        tile.add = true;
                    }
                    kernels.tile[stripBegin(s + 1) - stripBegin(s)](depth, block + stripBegin(s) * depth,
                                                                    packed + begin * padded + q * width * depth, tile);
                }
        }
    }

    /// All rows, which are few, of the columns [begin, end), without packing.
    void multiplyFew(std::int64_t begin, std::int64_t end, Scratch<T>& scratch) const {
        const T* rows = left.values;
        std::int64_t stride = left.stride;
        if (!left.whole) {
            T* copy = scratch.reserve(product.rows * product.inner);
            for (std::int64_t i = 0; i < product.rows; ++i)
                for (std::int64_t p = 0; p < product.inner; ++p)
                    copy[i * product.inner + p] = left.values[p * stride + i];
            rows = copy;
            stride = product.inner;
        }
        // Narrow enough for the rows of the right side to be in a cache when the next rows of the left side need them.
        const std::int64_t step = right.whole ? 16 : ProductKernels<T>::kSumColumns;
        for (; begin < end; begin += step)
            for (std::int64_t i = 0; i < product.rows; i += ProductKernels<T>::kDotRows) {
                const auto count = std::min<std::int64_t>(ProductKernels<T>::kDotRows, product.rows - i);
                const auto& kernel = right.whole ? kernels.dots : kernels.sums;
                kernel[count](product.inner, rows + i * stride, stride,
                              right.values + begin * (right.whole ? right.stride : 1), right.stride,
                              tileAt(i, begin, std::min(step, end - begin)));
            }
    }

    [[nodiscard]] std::int64_t packedColumns() const {
        const std::int64_t width = kernels.columns;
        const auto fitting =
            kPackedBytes / static_cast<std::int64_t>(sizeof(T)) / std::max<std::int64_t>(product.inner, 1);
        return std::max(8 * width, fitting / width * width);
    }
};

template<class T>
void multiplyItemHere(const Item<T>& item, Scratch<T>& scratch) {
    const MatrixProduct<T>& product = item.product;
    if (isFew(product)) return item.multiplyFew(0, product.columns, scratch);
    const std::int64_t width = item.kernels.columns, most = item.packedColumns();
    const std::int64_t padded = ceilDiv(std::min(most, product.columns), width) * width;
    T* packed = scratch.reserve(padded * product.inner + kBlockRows * kDepth);
    T* block = packed + padded * product.inner;
    for (std::int64_t first = 0; first < product.columns; first += most) {
        const std::int64_t columns = std::min(most, product.columns - first), panels = ceilDiv(columns, width);
        for (std::int64_t panel = 0; panel < panels; ++panel) item.packRight(first, columns, panel, packed);
        for (std::int64_t row = 0; row < product.rows; row += kBlockRows)
            item.multiplyBlock(row, std::min(kBlockRows, product.rows - row), first, columns, 0, panels, packed, block);
    }
}

template<class T>
Result<void> multiplyItem(const Item<T>& item, const RunContext& context) {
    const MatrixProduct<T>& product = item.product;
    const std::int64_t width = item.kernels.columns, most = item.packedColumns();
    Scratch<T> scratch;
    T* packed = scratch.reserve(ceilDiv(std::min(most, product.columns), width) * width * product.inner);
    for (std::int64_t first = 0; first < product.columns; first += most) {
        const std::int64_t columns = std::min(most, product.columns - first), panels = ceilDiv(columns, width);
        const std::int64_t grain = std::max<std::int64_t>(1, (1 << 16) / (width * product.inner));
        QSCOPE_CHECK(parallelChunks(panels, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (; begin < end; ++begin) item.packRight(first, columns, begin, packed);
            return {};
        }));
        // The borders of tasks do not touch the order of any sum, so they may follow the number of threads.
        const std::int64_t blocks = ceilDiv(product.rows, kBlockRows), wanted = 4 * availableThreads();
        const std::int64_t parts =
            std::clamp<std::int64_t>(ceilDiv(wanted, blocks), 1, ceilDiv<std::int64_t>(panels, 4));
        QSCOPE_CHECK(parallelChunks(blocks * parts, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
            const std::int64_t block = task / parts, part = task % parts;
            const std::int64_t row = block * product.rows / blocks, end = (block + 1) * product.rows / blocks;
            Scratch<T> own;
            item.multiplyBlock(row, end - row, first, columns, part * panels / parts, (part + 1) * panels / parts,
                               packed, own.reserve(kBlockRows * kDepth));
            return {};
        }));
    }
    return {};
}

/// A batch that shares its right side and lies evenly is one tall product.
template<class T>
MatrixProduct<T> joined(MatrixProduct<T> product) {
    if (product.batch > 1 && product.right.batchStride == 0 && !product.left.transposed &&
        product.left.batchStride == product.rows * product.left.stride &&
        product.resultBatchStride == product.rows * product.resultStride) {
        product.rows *= product.batch;
        product.batch = 1;
    }
    return product;
}

template<class T>
bool fits(const MatrixOperand<T>& operand, std::int64_t rows, std::int64_t columns, std::int64_t batch) {
    if (rows == 0 || columns == 0 || batch == 0) return true;
    if (operand.transposed) std::swap(rows, columns);
    return static_cast<std::int64_t>(operand.values.size()) >=
           (batch - 1) * operand.batchStride + (rows - 1) * operand.stride + columns;
}

template<class T>
bool wellFormed(const MatrixProduct<T>& p) {
    return fits(p.left, p.rows, p.inner, p.batch) && fits(p.right, p.inner, p.columns, p.batch) &&
           fits(MatrixOperand<T>{p.result, p.resultStride, false, p.resultBatchStride}, p.rows, p.columns, p.batch) &&
           (p.bias.empty() || static_cast<std::int64_t>(p.bias.size()) == p.columns);
}

/// What remains when there are no terms.
template<class T>
void finishEmpty(const MatrixProduct<T>& product) {
    for (std::int64_t b = 0; b < product.batch; ++b)
        for (std::int64_t i = 0; i < product.rows; ++i)
            for (std::int64_t j = 0; j < product.columns; ++j) {
                T& value =
                    product
                        .result[static_cast<std::size_t>(b * product.resultBatchStride + i * product.resultStride + j)];
                value = (product.accumulate ? value : T(0)) +
                        (product.bias.empty() ? T(0) : product.bias[static_cast<std::size_t>(j)]);
            }
}

template<class T>
Result<void> multiplyAll(const MatrixProduct<T>& whole, const RunContext& context) {
    assert(wellFormed(whole));
    if (whole.rows == 0 || whole.columns == 0 || whole.batch == 0) return {};
    if (whole.inner == 0) {
        finishEmpty(whole);
        return {};
    }
    const MatrixProduct<T> product = joined(whole);
    if (isFew(product)) {
        const std::int64_t least = product.right.transposed ? 64 : 256;
        const std::int64_t grain = std::clamp<std::int64_t>((1 << 17) / product.inner / least * least, least, 1024);
        const std::int64_t parts = ceilDiv(product.columns, grain);
        const std::int64_t perChunk =
            std::max<std::int64_t>(1, (1 << 16) / (product.inner * std::min(grain, product.columns)));
        return parallelChunks(product.batch * parts, perChunk, context,
                              [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                  Scratch<T> scratch;
                                  for (; begin < end; ++begin) {
                                      const std::int64_t first = begin % parts * grain;
                                      Item<T>(product, begin / parts)
                                          .multiplyFew(first, std::min(first + grain, product.columns), scratch);
                                  }
                                  return {};
                              });
    }
    const double operations =
        static_cast<double>(product.rows) * static_cast<double>(product.columns) * static_cast<double>(product.inner);
    if (product.batch >= 2 * availableThreads() && operations < 1e8) { // a few milliseconds each
        const auto perChunk = std::max<std::int64_t>(1, static_cast<std::int64_t>(1e6 / operations));
        return parallelChunks(product.batch, perChunk, context,
                              [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                  Scratch<T> scratch;
                                  for (; begin < end; ++begin) multiplyItemHere(Item<T>(product, begin), scratch);
                                  return {};
                              });
    }
    for (std::int64_t b = 0; b < product.batch; ++b) QSCOPE_CHECK(multiplyItem(Item<T>(product, b), context));
    return {};
}

template<class T>
void multiplyAllHere(const MatrixProduct<T>& product, Scratch<T>& scratch) {
    assert(wellFormed(product));
    if (product.rows == 0 || product.columns == 0) return;
    if (product.inner == 0) return finishEmpty(product);
    for (std::int64_t b = 0; b < product.batch; ++b) multiplyItemHere(Item<T>(product, b), scratch);
}

} // namespace

Result<void> multiply(const MatrixProduct<float>& product, const RunContext& context) {
    return multiplyAll(product, context);
}
Result<void> multiply(const MatrixProduct<double>& product, const RunContext& context) {
    return multiplyAll(product, context);
}
void multiplyHere(const MatrixProduct<float>& product, Scratch<float>& scratch) { multiplyAllHere(product, scratch); }
void multiplyHere(const MatrixProduct<double>& product, Scratch<double>& scratch) { multiplyAllHere(product, scratch); }

} // namespace qscope::engine::kernels
