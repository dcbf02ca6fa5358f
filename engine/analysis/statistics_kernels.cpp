// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/statistics_kernels.h"

#include "engine/core/simd.h"

#include <cstring>

namespace qscope::engine::detail {

namespace {

// Bodies once per type; the exported functions give each its versions per instruction set. Loops over a fixed kLanes
// stay loops that vectorise, where a sum over all values would have to keep the order of additions.

template<class T>
QSCOPE_ALWAYS_INLINE T magnitudeOf(T value) {
    return value < 0 ? -value : value;
}

template<class T>
QSCOPE_ALWAYS_INLINE Special special(const T* values, std::int64_t count) {
    std::int64_t nan = 0, infinite = 0, zeros = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const T x = values[i];
        nan += x != x;
        infinite += magnitudeOf(x) > std::numeric_limits<T>::max();
        zeros += x == 0;
    }
    return {nan, infinite, zeros};
}

template<class T>
QSCOPE_ALWAYS_INLINE void moments(Moments& m, const T* values, std::int64_t count, double shift) {
    const auto add = [&](std::int64_t lanes) __attribute__((always_inline)) {
        for (std::int64_t l = 0; l < lanes; ++l) {
            const double x = static_cast<double>(values[l]);
            const double moved = x - shift;
            const auto lane = static_cast<std::size_t>(l);
            m.sum[lane] += moved;
            m.squares[lane] += moved * moved;
            m.magnitude[lane] += magnitudeOf(x);
            m.low[lane] = x < m.low[lane] ? x : m.low[lane];
            m.high[lane] = x > m.high[lane] ? x : m.high[lane];
        }
    };
    for (; count >= kLanes; count -= kLanes, values += kLanes) add(kLanes);
    add(count);
}

template<class T>
QSCOPE_ALWAYS_INLINE void centralMoments(CentralMoments& m, const T* values, std::int64_t count, double mean, double threshold) {
    std::int64_t outliers = 0;
    const auto add = [&](std::int64_t lanes) __attribute__((always_inline)) {
        for (std::int64_t l = 0; l < lanes; ++l) {
            const double moved = static_cast<double>(values[l]) - mean;
            const double square = moved * moved;
            m.second[static_cast<std::size_t>(l)] += square;
            m.fourth[static_cast<std::size_t>(l)] += square * square;
            outliers += magnitudeOf(moved) > threshold;
        }
    };
    for (; count >= kLanes; count -= kLanes, values += kLanes) add(kLanes);
    add(count);
    m.outliers += outliers;
}

template<class T>
QSCOPE_ALWAYS_INLINE bool bins(const T* values, std::int64_t count, double first, double perUnit, std::int32_t* out) {
    std::int64_t close = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const double at = (static_cast<double>(values[i]) - first) * perUnit;
        const auto bin = static_cast<std::int32_t>(at);
        const double rest = at - static_cast<double>(bin);
        out[i] = bin;
        close += (rest < 1e-6) | (rest > 1 - 1e-6);
    }
    return close != 0;
}

template<class Sum>
QSCOPE_ALWAYS_INLINE float row(const float* values, std::int64_t count, float* magnitudes, Sum* squares, Sum* rowSquares) {
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int32_t magnitude = bitsOf(values[i]) & INT32_MAX;
        most = magnitude > most ? magnitude : most;
        const std::int32_t before = bitsOf(magnitudes[i]);
        magnitudes[i] = floatOf(magnitude > before ? magnitude : before);
    }
    const auto add = [&](std::int64_t lanes) __attribute__((always_inline)) {
        for (std::int64_t l = 0; l < lanes; ++l) {
            const Sum square = static_cast<Sum>(values[l]) * static_cast<Sum>(values[l]);
            squares[l] += square;
            rowSquares[l] += square;
        }
    };
    for (; count >= kLanes; count -= kLanes, values += kLanes, squares += kLanes) add(kLanes);
    add(count);
    return floatOf(most);
}

} // namespace

QSCOPE_MULTIVERSION Special countSpecial(const float* v, std::int64_t n) { return special(v, n); }
QSCOPE_MULTIVERSION Special countSpecial(const double* v, std::int64_t n) { return special(v, n); }

QSCOPE_MULTIVERSION bool allFinite(const float* v, std::int64_t n) {
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int32_t magnitude = bitsOf(v[i]) & INT32_MAX;
        most = magnitude > most ? magnitude : most;
    }
    return most < 0x7F800000;
}

QSCOPE_MULTIVERSION void addMoments(Moments& m, const float* __restrict v, std::int64_t n, double shift) {
    moments(m, v, n, shift);
}
QSCOPE_MULTIVERSION void addMoments(Moments& m, const double* __restrict v, std::int64_t n, double shift) {
    moments(m, v, n, shift);
}

QSCOPE_MULTIVERSION void addCentralMoments(CentralMoments& m, const float* __restrict v, std::int64_t n, double mean, double threshold) {
    centralMoments(m, v, n, mean, threshold);
}
QSCOPE_MULTIVERSION void addCentralMoments(CentralMoments& m, const double* __restrict v, std::int64_t n, double mean, double threshold) {
    centralMoments(m, v, n, mean, threshold);
}

QSCOPE_MULTIVERSION bool guessBins(const float* __restrict v, std::int64_t n, double first, double perUnit, std::int32_t* __restrict out) {
    return bins(v, n, first, perUnit, out);
}
QSCOPE_MULTIVERSION bool guessBins(const double* __restrict v, std::int64_t n, double first, double perUnit, std::int32_t* __restrict out) {
    return bins(v, n, first, perUnit, out);
}

QSCOPE_MULTIVERSION float addRow(const float* __restrict v, std::int64_t n, float* __restrict magnitudes,
                                 float* __restrict squares, float* __restrict rowSquares) {
    return row(v, n, magnitudes, squares, rowSquares);
}
QSCOPE_MULTIVERSION float addRow(const float* __restrict v, std::int64_t n, float* __restrict magnitudes,
                                 double* __restrict squares, double* __restrict rowSquares) {
    return row(v, n, magnitudes, squares, rowSquares);
}

void countPairs(const std::byte* patterns, std::int64_t count, std::uint32_t* table) {
    std::int64_t i = 0;
    for (; i + 4 <= count; i += 4) { // at any address, as files may put a tensor at any byte
        std::uint64_t four;
        std::memcpy(&four, patterns + 2 * i, sizeof four);
        ++table[four & 0xFFFF];
        ++table[four >> 16 & 0xFFFF];
        ++table[four >> 32 & 0xFFFF];
        ++table[four >> 48];
    }
    for (; i < count; ++i) {
        std::uint16_t one;
        std::memcpy(&one, patterns + 2 * i, sizeof one);
        ++table[one];
    }
}

void countBytes(const std::byte* patterns, std::int64_t count, std::uint32_t* table) {
    std::int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (std::int64_t part = 0; part < 4; ++part) ++table[256 * part + std::to_integer<std::int64_t>(patterns[i + part])];
    for (; i < count; ++i) ++table[std::to_integer<std::int64_t>(patterns[i])];
}

} // namespace qscope::engine::detail
