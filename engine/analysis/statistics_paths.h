// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace qscope::engine::detail {

// The two ways to compute statistics; both fill everything but the extremes of a tensor that has elements.

/// For elements of one or two whole bytes: counting the patterns gives every statistic exactly, in one pass.
[[nodiscard]] Result<void> computeFromPatterns(TensorStatistics& statistics, const TensorView& tensor,
                                               const StatisticsOptions& options, const RunContext& context);

/// For all others, in two passes over the decoded values: T is float, or double for types that float would round.
template<class T>
[[nodiscard]] Result<void> computeFromValues(TensorStatistics& statistics, const TensorView& tensor,
                                             const StatisticsOptions& options, const RunContext& context);

inline constexpr double kOutlierDeviations = 6;
/// In double precision a third pass, of the caller, finds the extremes.
inline constexpr std::int64_t kPassesInDouble = 3;

/// Puts 0 in the place of what is not finite and returns how many values that were.
template<class T>
std::int64_t clearSpecial(std::span<T> values) {
    std::int64_t cleared = 0;
    for (T& value : values)
        if (!std::isfinite(value)) {
            value = 0;
            ++cleared;
        }
    return cleared;
}

/// Everything that follows from the moments.
inline void setMoments(TensorStatistics& s, std::int64_t finite, double mean, double second, double fourth, double magnitude) {
    const auto n = static_cast<double>(finite);
    s.mean = mean;
    s.std = std::sqrt(second / n);
    s.absmax = std::max(std::fabs(s.min), std::fabs(s.max));
    s.kurtosis = second > 0 ? fourth / n / (second / n * (second / n)) : 0;
    s.maxToMean = magnitude > 0 ? s.absmax / (magnitude / n) : 0;
}

/// `wanted` values at (i + 0.5) / wanted of sorted ones.
template<class At>
std::vector<double> quantilesOf(std::int64_t count, int wanted, const At& at) {
    const std::int64_t n = std::min<std::int64_t>(wanted, count);
    std::vector<double> quantiles(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i)
        quantiles[static_cast<std::size_t>(i)] =
            at(static_cast<std::int64_t>((static_cast<double>(i) + 0.5) / static_cast<double>(n) * static_cast<double>(count)));
    return quantiles;
}

} // namespace qscope::engine::detail
