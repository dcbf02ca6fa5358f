// SPDX-License-Identifier: GPL-3.0-or-later
// Counting a pattern takes one store to memory, which bounds the speed; everything about rows and columns is done
// beside it, in registers that are idle meanwhile.
#include "engine/analysis/stored_lines.h"

#include "engine/core/simd.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine::detail {

namespace {

constexpr std::int64_t kPiece = 4096;    ///< columns after which a row's sums go on in double precision
constexpr std::int64_t kLanesOfRow = 16; ///< sums of a row side by side, column c in lane c mod 16
/// Bytes to fetch ahead of a row, as processors on their own read no further than to the end of a page: into the second
/// level of the cache, and into the first.
constexpr std::int64_t kAhead = 4096, kSoon = 512;
using Lanes = std::array<float, kLanesOfRow>;

/// Patterns from `kFirstSpecial` on are not finite; squares of those from `kLeast` to `kMost` stay in single precision.
struct Half {
    static constexpr std::uint16_t kFirstSpecial = 0x7C00, kLeast = 1, kMost = 0x7BFF;
    static QSCOPE_ALWAYS_INLINE float valueOf(std::uint16_t pattern) { return halfToFloat(pattern); }
};
struct Brain {
    static constexpr std::uint16_t kFirstSpecial = 0x7F80, kLeast = (127 - 56) << 7, kMost = (127 + 56) << 7;
    static QSCOPE_ALWAYS_INLINE float valueOf(std::uint16_t pattern) { return bfloat16ToFloat(pattern); }
};

template<class Format>
bool fits(std::uint16_t least, std::uint16_t most) {
    return least >= Format::kLeast && most <= Format::kMost;
}

/// The value at (row, column); returns whether its square fits.
template<class Format>
QSCOPE_ALWAYS_INLINE bool addValue(const std::byte* at, std::int64_t row, std::int64_t column, Lanes& lanes,
                                   const LineSums& to) {
    std::uint16_t pattern;
    std::memcpy(&pattern, at, sizeof pattern);
    ++to.counts[pattern];
    const auto stored = static_cast<std::uint16_t>(pattern & 0x7FFF);
    const std::uint16_t magnitude = stored < Format::kFirstSpecial ? stored : std::uint16_t{0};
    to.columnMagnitudes[column] = std::max(to.columnMagnitudes[column], magnitude);
    to.rowMagnitudes[row] = std::max(to.rowMagnitudes[row], magnitude);
    const float value = Format::valueOf(magnitude);
    const float square = value * value;
    to.columnSquares[column] += square;
    lanes[static_cast<std::size_t>(column % kLanesOfRow)] += square;
    return magnitude == 0 || fits<Format>(magnitude, magnitude);
}

template<class Format>
void merge(std::int64_t columns, const LineSums& from, float* __restrict magnitudes, double* __restrict squares) {
    for (std::int64_t column = 0; column < columns; ++column) {
        const float magnitude = Format::valueOf(from.columnMagnitudes[column]);
        magnitudes[column] = magnitude > magnitudes[column] ? magnitude : magnitudes[column];
    }
    for (std::int64_t column = 0; column < columns; ++column)
        squares[column] += static_cast<double>(from.columnSquares[column]);
}

double totalOf(const Lanes& lanes) {
    double total = 0;
    for (const float lane : lanes) total += static_cast<double>(lane);
    return total;
}

template<class Format>
bool addPlainly(const std::byte* values, std::int64_t rows, std::int64_t columns, const LineSums& to) {
    bool fit = true;
    for (std::int64_t row = 0; row < rows; ++row) {
        to.rowMagnitudes[row] = 0;
        to.rowSquares[row] = 0;
        for (std::int64_t first = 0; first < columns; first += kPiece) {
            Lanes lanes{};
            for (std::int64_t column = first; column < std::min(columns, first + kPiece); ++column)
                fit &= addValue<Format>(values + 2 * (row * columns + column), row, column, lanes, to);
            to.rowSquares[row] += totalOf(lanes);
        }
    }
    return fit;
}

#if defined(__x86_64__)

#define QSCOPE_AVX2 __attribute__((target("avx2,f16c"))) // every processor with AVX2 has F16C
#define QSCOPE_AVX2_INLINE inline __attribute__((always_inline, target("avx2,f16c")))

template<class Format>
QSCOPE_AVX2_INLINE __m256 eightValues(__m128i patterns) {
    if constexpr (std::is_same_v<Format, Half>)
        return _mm256_cvtph_ps(patterns);
    else
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(patterns), 16));
}

QSCOPE_AVX2_INLINE void countSixteen(const std::byte* at, std::uint32_t* counts) {
    for (int i = 0; i < 4; ++i) {
        std::uint64_t four;
        std::memcpy(&four, at + 8 * i, sizeof four);
        ++counts[four & 0xFFFF];
        ++counts[four >> 16 & 0xFFFF];
        ++counts[four >> 32 & 0xFFFF];
        ++counts[four >> 48];
    }
}

/// A few rows from `row` on, so that sums of columns are loaded and stored once for all of them.
template<class Format, int Rows>
QSCOPE_AVX2 bool addRows(const std::byte* values, std::int64_t row, std::int64_t columns, const LineSums& to) {
    const std::byte* const start = values + 2 * row * columns;
    bool fit = true;
    for (int r = 0; r < Rows; ++r) {
        to.rowMagnitudes[row + r] = 0;
        to.rowSquares[row + r] = 0;
    }
    for (std::int64_t first = 0; first < columns; first += kPiece) {
        const std::int64_t end = std::min(columns, first + kPiece), whole = end - (end - first) % kLanesOfRow;
        __m256 low[Rows], high[Rows];
        __m256i most[Rows], leastLessOne = _mm256_set1_epi16(-1);
        for (int r = 0; r < Rows; ++r) {
            low[r] = high[r] = _mm256_setzero_ps();
            most[r] = _mm256_setzero_si256();
        }
        for (std::int64_t column = first; column < whole; column += kLanesOfRow) {
            auto* const magnitudesAt = reinterpret_cast<__m256i*>(to.columnMagnitudes + column);
            float* const squaresAt = to.columnSquares + column;
            __m256i columnMost = _mm256_loadu_si256(magnitudesAt);
            __m256 columnLow = _mm256_loadu_ps(squaresAt), columnHigh = _mm256_loadu_ps(squaresAt + 8);
            for (int r = 0; r < Rows; ++r) {
                const std::byte* const at = start + 2 * (r * columns + column);
                _mm_prefetch(reinterpret_cast<const char*>(at) + kAhead, _MM_HINT_T1);
                _mm_prefetch(reinterpret_cast<const char*>(at) + kSoon, _MM_HINT_T0);
                const __m256i patterns = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
                const __m256i stored = _mm256_and_si256(patterns, _mm256_set1_epi16(0x7FFF));
                const __m256i special = _mm256_cmpgt_epi16(stored, _mm256_set1_epi16(Format::kFirstSpecial - 1));
                const __m256i magnitudes = _mm256_andnot_si256(special, stored);
                most[r] = _mm256_max_epi16(most[r], magnitudes);
                columnMost = _mm256_max_epi16(columnMost, magnitudes);
                if constexpr (Format::kLeast > 1) // zero becomes the largest and does not matter
                    leastLessOne = _mm256_min_epu16(leastLessOne, _mm256_sub_epi16(magnitudes, _mm256_set1_epi16(1)));
                const __m256 a = eightValues<Format>(_mm256_castsi256_si128(magnitudes));
                const __m256 b = eightValues<Format>(_mm256_extracti128_si256(magnitudes, 1));
                const __m256 lowSquares = _mm256_mul_ps(a, a), highSquares = _mm256_mul_ps(b, b);
                low[r] = _mm256_add_ps(low[r], lowSquares);
                high[r] = _mm256_add_ps(high[r], highSquares);
                columnLow = _mm256_add_ps(columnLow, lowSquares);
                columnHigh = _mm256_add_ps(columnHigh, highSquares);
                countSixteen(at, to.counts);
            }
            _mm256_storeu_si256(magnitudesAt, columnMost);
            _mm256_storeu_ps(squaresAt, columnLow);
            _mm256_storeu_ps(squaresAt + 8, columnHigh);
        }
        std::array<std::uint16_t, 16> sixteen;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sixteen.data()), leastLessOne);
        const std::uint16_t lessOne = *std::min_element(sixteen.begin(), sixteen.end());
        for (int r = 0; r < Rows; ++r) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(sixteen.data()), most[r]);
            const std::uint16_t rowMost = *std::max_element(sixteen.begin(), sixteen.end());
            to.rowMagnitudes[row + r] = std::max(to.rowMagnitudes[row + r], rowMost);
            fit &= fits<Format>(static_cast<std::uint16_t>(std::min(lessOne, std::uint16_t{0xFFFE}) + 1), rowMost);
            Lanes lanes;
            _mm256_storeu_ps(lanes.data(), low[r]);
            _mm256_storeu_ps(lanes.data() + 8, high[r]);
            for (std::int64_t column = whole; column < end; ++column)
                fit &= addValue<Format>(start + 2 * (r * columns + column), row + r, column, lanes, to);
            to.rowSquares[row + r] += totalOf(lanes);
        }
    }
    return fit;
}

template<class Format>
bool addByAvx2(const std::byte* values, std::int64_t rows, std::int64_t columns, const LineSums& to) {
    bool fit = true;
    std::int64_t row = 0;
    for (; row + 4 <= rows; row += 4) fit &= addRows<Format, 4>(values, row, columns, to);
    for (; row < rows; ++row) fit &= addRows<Format, 1>(values, row, columns, to);
    return fit;
}

#endif

} // namespace

bool hasStoredRows(DType type) { return type == DType::F16 || type == DType::BF16; }

void mergeColumns(DType type, std::int64_t columns, const LineSums& from, float* magnitudes, double* squares) {
    if (type == DType::F16)
        merge<Half>(columns, from, magnitudes, squares);
    else
        merge<Brain>(columns, from, magnitudes, squares);
}

bool addStoredRowsPlainly(DType type, const std::byte* values, std::int64_t rows, std::int64_t columns,
                          const LineSums& to) {
    return type == DType::F16 ? addPlainly<Half>(values, rows, columns, to)
                              : addPlainly<Brain>(values, rows, columns, to);
}

bool addStoredRows(DType type, const std::byte* values, std::int64_t rows, std::int64_t columns, const LineSums& to) {
#if defined(__x86_64__)
    static const bool hasAvx2 = __builtin_cpu_supports("avx2") != 0;
    if (hasAvx2)
        return type == DType::F16 ? addByAvx2<Half>(values, rows, columns, to)
                                  : addByAvx2<Brain>(values, rows, columns, to);
#endif
    return addStoredRowsPlainly(type, values, rows, columns, to);
}

} // namespace qscope::engine::detail
