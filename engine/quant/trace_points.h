// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"
#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"
#include "engine/quant/trace.h"

#include <span>

namespace qscope::engine {

// How methods leave traces that stay small whatever they saw. Traces of one tensor whose titles agree up to ": " and
// whose axes agree are drawn in one chart, and what follows the colon names the curve. A trace of a single point is
// drawn as a mark: what was chosen.

/// No trace has more points.
inline constexpr std::size_t kTracePoints = 512;

/// Values step by step, from 1. Of more than `kTracePoints`, means over runs of equal length (the last may be
/// shorter), each at the middle of its run; the y label says so.
[[nodiscard]] Trace courseOf(std::string title, std::string xLabel, std::string yLabel, std::span<const double> values);

/// Which of `count` ranks are drawn, from 0: all of them, or `kTracePoints` that lie closer together at the start, the
/// first and the last among them.
[[nodiscard]] std::vector<std::size_t> drawnRanks(std::size_t count);

/// Values from the largest to the smallest over their rank, from 1, at `drawnRanks`. Those that are not finite are left
/// out.
[[nodiscard]] Trace rankedOf(std::string title, std::string xLabel, std::string yLabel, std::vector<double> values);

/// A single point.
[[nodiscard]] Trace choiceOf(std::string title, std::string xLabel, std::string yLabel, double x, double y);

/// What part of a sum of magnitudes the largest of them hold, in percent, over the percentage of all; at 64 places.
/// Of more than 2^20 values, on so many spread evenly over them.
[[nodiscard]] Trace heldByLargest(std::string title, std::string xLabel, std::string yLabel,
                                  std::span<const float> values);

/// How often weights were rounded up to the next level, by how far above the lower level they lay: round to nearest is
/// a step at one half.
class RoundingDecisions {
public:
    /// `place`: between the two levels, 0 at the lower one.
    void add(float place, bool up);
    /// Percentages in twenty classes, beside those of round to nearest; nothing when nothing was added.
    [[nodiscard]] std::vector<Trace> traces() const;

private:
    static constexpr int kClasses = 20;
    std::int64_t m_all[kClasses] = {};
    std::int64_t m_up[kClasses] = {};
    std::int64_t m_away = 0; ///< from the nearest
};

/// Adds the relative squared error of round to nearest when the grids of all groups cover the same part of their range,
/// for parts from 1 down to 0.2, and the point of the steps that were chosen at the mean part they cover. On at most
/// 256 groups and 2^17 values, spread evenly. Does nothing when `traces` is null or there are no values.
[[nodiscard]] Result<void> traceRanges(std::vector<Trace>* traces, std::span<const float> matrix,
                                       const Grouping& grouping, const UniformGrid& grid,
                                       std::span<const UniformStep> chosen, const RunContext& context);

} // namespace qscope::engine
