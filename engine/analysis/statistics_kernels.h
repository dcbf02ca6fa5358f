// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace qscope::engine::detail {

/// Partial results side by side, combined in order at the end: the sums do not depend on the width of a register.
inline constexpr std::int64_t kLanes = 64;

/// Sums over finite values, taken about a shift near the mean so that no digits cancel.
struct Moments {
    Moments() {
        low.fill(std::numeric_limits<double>::infinity());
        high.fill(-std::numeric_limits<double>::infinity());
    }
    std::array<double, kLanes> sum{}, squares{}, magnitude{}, low, high;
};

/// Sums about the mean, for the second pass.
struct CentralMoments {
    std::array<double, kLanes> second{}, fourth{};
    std::int64_t outliers = 0;
};

struct Special {
    std::int64_t nan = 0;
    std::int64_t inf = 0;
    std::int64_t zeros = 0;
};

/// How many values are not finite, or zero.
[[nodiscard]] Special countSpecial(const float* values, std::int64_t count);
[[nodiscard]] Special countSpecial(const double* values, std::int64_t count);

[[nodiscard]] bool allFinite(const float* values, std::int64_t count);

/// Finite values only; `count` need not be a multiple of kLanes.
void addMoments(Moments& moments, const float* values, std::int64_t count, double shift);
void addMoments(Moments& moments, const double* values, std::int64_t count, double shift);
void addCentralMoments(CentralMoments& moments, const float* values, std::int64_t count, double mean, double threshold);
void addCentralMoments(CentralMoments& moments, const double* values, std::int64_t count, double mean, double threshold);

/// bins[i] = the whole part of (values[i] - first) * perUnit; returns whether a product lies so near a whole number that
/// rounding may have moved it across.
[[nodiscard]] bool guessBins(const float* values, std::int64_t count, double first, double perUnit, std::int32_t* bins);
[[nodiscard]] bool guessBins(const double* values, std::int64_t count, double first, double perUnit, std::int32_t* bins);

/// One row of finite values: raises the columns' largest magnitudes and adds the squares to the columns' sums and to
/// `rowSquares` (kLanes wide). Returns the row's largest magnitude. Sums in single precision serve types whose squares
/// fit and runs of at most 64 rows.
[[nodiscard]] float addRow(const float* values, std::int64_t count, float* columnMagnitudes, float* columnSquares,
                           float* rowSquares);
[[nodiscard]] float addRow(const float* values, std::int64_t count, float* columnMagnitudes, double* columnSquares,
                           double* rowSquares);

/// How often each of `count` patterns of two bytes, or of one, occurs. The table for bytes has four parts of 256, to be
/// added up.
void countPairs(const std::byte* patterns, std::int64_t count, std::uint32_t* table);
void countBytes(const std::byte* patterns, std::int64_t count, std::uint32_t* table);

} // namespace qscope::engine::detail
