// SPDX-License-Identifier: GPL-3.0-or-later
// See product_kernels.h; included once per instruction set by for_each_isa.inl.

namespace QSCOPE_ISA_NAMESPACE {

constexpr int kTileRows = QSCOPE_UNIT_BYTES == 64 ? 14 : 6; // as many sums as registers hold, with two to spare
constexpr int kTileUnits = 2;

/// Finishes one row of sums.
template<class T>
QSCOPE_INLINE void finishRow(const T* sums, T* result, const ProductTile<T>& tile) {
    constexpr int kLanes = Lanes<T>::kCount;
    const auto scale = spread(tile.scale);
    std::int64_t j = 0;
    for (; j + kLanes <= tile.columns; j += kLanes) {
        auto value = scale * load(sums + j);
        if (tile.bias) value += load(tile.bias + j);
        if (tile.add) value += load(result + j);
        store(result + j, value);
    }
    for (; j < tile.columns; ++j) {
        T value = tile.scale * sums[j];
        if (tile.bias) value += tile.bias[j];
        if (tile.add) value += result[j];
        result[j] = value;
    }
}

template<class T, int Rows>
QSCOPE_ISA void tileProduct(std::int64_t depth, const T* left, const T* right, const ProductTile<T>& tile) {
    constexpr int kLanes = Lanes<T>::kCount, kColumns = kTileUnits * kLanes;
    typename Lanes<T>::Vector low[Rows], high[Rows];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) low[r] = high[r] = typename Lanes<T>::Vector{};
    for (std::int64_t p = 0; p < depth; ++p) {
        const auto first = load(right), second = load(right + kLanes);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const auto factor = spread(left[r]);
            low[r] = multiplyAdd(factor, first, low[r]);
            high[r] = multiplyAdd(factor, second, high[r]);
        }
        left += Rows;
        right += kColumns;
    }
    T sums[Rows * kColumns];
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
        store(sums + r * kColumns, low[r]);
        store(sums + r * kColumns + kLanes, high[r]);
    }
    for (int r = 0; r < Rows; ++r) finishRow(sums + r * kColumns, tile.result + r * tile.stride, tile);
}

typedef float Four __attribute__((vector_size(16)));

QSCOPE_INLINE void transposeFour(const float* source, std::int64_t stride, float* panel, int width) {
    Four a, b, c, d;
    __builtin_memcpy(&a, source, 16);
    __builtin_memcpy(&b, source + stride, 16);
    __builtin_memcpy(&c, source + 2 * stride, 16);
    __builtin_memcpy(&d, source + 3 * stride, 16);
    const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four abHigh = __builtin_shufflevector(a, b, 2, 6, 3, 7), cdHigh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    b = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    c = __builtin_shufflevector(abHigh, cdHigh, 0, 1, 4, 5);
    d = __builtin_shufflevector(abHigh, cdHigh, 2, 3, 6, 7);
    __builtin_memcpy(panel, &a, 16);
    __builtin_memcpy(panel + width, &b, 16);
    __builtin_memcpy(panel + 2 * width, &c, 16);
    __builtin_memcpy(panel + 3 * width, &d, 16);
}

template<class T>
QSCOPE_ISA void packRows(const T* source, std::int64_t stride, int count, int width, std::int64_t depth, T* panel) {
    constexpr std::int64_t kStrip = 16; // one line of the cache from each row at a time
    for (std::int64_t begin = 0; begin < depth; begin += kStrip) {
        const std::int64_t end = begin + kStrip < depth ? begin + kStrip : depth;
        int j = 0;
        if constexpr (sizeof(T) == sizeof(float))
            for (; j + 4 <= count && end - begin == kStrip; j += 4)
                for (std::int64_t p = begin; p < end; p += 4)
                    transposeFour(source + j * stride + p, stride, panel + p * width + j, width);
        for (; j < count; ++j)
            for (std::int64_t p = begin; p < end; ++p) panel[p * width + j] = source[j * stride + p];
        for (; j < width; ++j)
            for (std::int64_t p = begin; p < end; ++p) panel[p * width + j] = 0;
    }
}

template<class T, int Rows, int Columns>
QSCOPE_INLINE void dotBlock(std::int64_t depth, const T* left, std::int64_t leftStride, const T* right,
                            std::int64_t rightStride, T* out, std::int64_t outStride) {
    using Vector = typename Lanes<T>::Vector;
    constexpr int kLanes = Lanes<T>::kCount;
    Vector sums[Rows * Columns];
#pragma GCC unroll 16
    for (int i = 0; i < Rows * Columns; ++i) sums[i] = Vector{};
    std::int64_t p = 0;
    for (; p + kLanes <= depth; p += kLanes) {
        Vector rows[Rows];
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) rows[r] = load(left + r * leftStride + p);
#pragma GCC unroll 16
        for (int j = 0; j < Columns; ++j) {
            const Vector column = load(right + j * rightStride + p);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r) sums[r * Columns + j] = multiplyAdd(rows[r], column, sums[r * Columns + j]);
        }
    }
    if (p < depth) {
#pragma GCC unroll 16
        for (int j = 0; j < Columns; ++j) {
            const Vector column = loadFirst(right + j * rightStride + p, depth - p);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r)
                sums[r * Columns + j] =
                    multiplyAdd(loadFirst(left + r * leftStride + p, depth - p), column, sums[r * Columns + j]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows * Columns; ++i) out[i / Columns * outStride + i % Columns] = sumOf<T>(sums[i]);
}

template<class T, int Rows>
QSCOPE_ISA void dots(std::int64_t depth, const T* left, std::int64_t leftStride, const T* right,
                     std::int64_t rightStride, const ProductTile<T>& tile) {
    constexpr std::int64_t kBlock = 64;
    T sums[Rows * kBlock];
    for (std::int64_t begin = 0; begin < tile.columns; begin += kBlock) {
        const std::int64_t count = tile.columns - begin < kBlock ? tile.columns - begin : kBlock;
        const T* rows = right + begin * rightStride;
        std::int64_t j = 0;
        for (; j + 4 <= count; j += 4)
            dotBlock<T, Rows, 4>(depth, left, leftStride, rows + j * rightStride, rightStride, sums + j, kBlock);
        for (; j < count; ++j)
            dotBlock<T, Rows, 1>(depth, left, leftStride, rows + j * rightStride, rightStride, sums + j, kBlock);
        ProductTile<T> part = tile;
        part.columns = count;
        if (part.bias) part.bias += begin;
        for (int r = 0; r < Rows; ++r) finishRow(sums + r * kBlock, tile.result + r * tile.stride + begin, part);
    }
}

template<class T, int Rows>
QSCOPE_ISA void sums(std::int64_t depth, const T* left, std::int64_t leftStride, const T* right,
                     std::int64_t rightStride, const ProductTile<T>& tile) {
    using Vector = typename Lanes<T>::Vector;
    constexpr int kLanes = Lanes<T>::kCount;
    constexpr std::int64_t kColumns = ProductKernels<T>::kSumColumns;
    T totals[Rows * kColumns];
    for (int r = 0; r < Rows; ++r)
        __builtin_memset(totals + r * kColumns, 0, static_cast<std::size_t>(tile.columns) * sizeof(T));
    const std::int64_t whole = tile.columns / kLanes * kLanes;
    for (std::int64_t p = 0; p < depth; p += 4) {
        const int terms = depth - p < 4 ? static_cast<int>(depth - p) : 4;
        const T* rows = right + p * rightStride;
        if (terms == 4)
            for (std::int64_t j = 0; j < whole; j += kLanes) {
                Vector terms4[4];
#pragma GCC unroll 16
                for (int t = 0; t < 4; ++t) terms4[t] = load(rows + t * rightStride + j);
#pragma GCC unroll 16
                for (int r = 0; r < Rows; ++r) {
                    Vector total = load(totals + r * kColumns + j);
#pragma GCC unroll 16
                    for (int t = 0; t < 4; ++t)
                        total = multiplyAdd(spread(left[r * leftStride + p + t]), terms4[t], total);
                    store(totals + r * kColumns + j, total);
                }
            }
        else
            for (int t = 0; t < terms; ++t)
                for (std::int64_t j = 0; j < whole; j += kLanes)
                    for (int r = 0; r < Rows; ++r)
                        store(totals + r * kColumns + j,
                              multiplyAdd(spread(left[r * leftStride + p + t]), load(rows + t * rightStride + j),
                                          load(totals + r * kColumns + j)));
        for (int t = 0; t < terms && whole < tile.columns; ++t) {
            const std::int64_t rest = tile.columns - whole;
            const Vector term = loadFirst(rows + t * rightStride + whole, rest);
            for (int r = 0; r < Rows; ++r) {
                T* total = totals + r * kColumns + whole;
                storeFirst(total, multiplyAdd(spread(left[r * leftStride + p + t]), term, loadFirst(total, rest)),
                           rest);
            }
        }
    }
    for (int r = 0; r < Rows; ++r) finishRow(totals + r * kColumns, tile.result + r * tile.stride, tile);
}

template<class T, int... Rows>
ProductKernels<T> makeProductKernels(std::integer_sequence<int, Rows...>) {
    ProductKernels<T> kernels;
    kernels.rows = kTileRows;
    kernels.columns = kTileUnits * Lanes<T>::kCount;
    ((kernels.tile[Rows + 1] = tileProduct<T, Rows + 1>), ...);
    kernels.packRows = packRows<T>;
    kernels.dots[1] = dots<T, 1>;
    kernels.dots[2] = dots<T, 2>;
    kernels.dots[3] = dots<T, 3>;
    kernels.dots[4] = dots<T, 4>;
    kernels.sums[1] = sums<T, 1>;
    kernels.sums[2] = sums<T, 2>;
    kernels.sums[3] = sums<T, 3>;
    kernels.sums[4] = sums<T, 4>;
    return kernels;
}

template<class T>
const ProductKernels<T>& productKernels() {
    static const auto kernels = makeProductKernels<T>(std::make_integer_sequence<int, kTileRows>{});
    return kernels;
}

} // namespace QSCOPE_ISA_NAMESPACE
