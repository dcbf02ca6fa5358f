// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/statistics.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/report/compare_report.h"
#include "engine/report/propagation_report.h"
#include "plugins/sdk/widgets/axis.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace qscope {

enum class NumberSource : std::uint8_t {
    Statistics, ///< of the stored values
    Stored,     ///< of the file
    Result,     ///< of the selected method
    Propagation ///< of the model on a text, for the layer as a whole
};

/// One number a tensor can be coloured by; name, unit and meaning are those of `engine::metricTable()`.
struct OverviewNumber {
    std::string_view key;
    NumberSource source;
    Scale scale = Scale::Linear; ///< of the colours: numbers that span decades are logarithmic
    bool share = false;          ///< shown as percent of the values
};

/// All of them, by source.
[[nodiscard]] std::span<const OverviewNumber> overviewNumbers();
[[nodiscard]] QString titleOf(const OverviewNumber& number);
[[nodiscard]] QString textOf(const OverviewNumber& number, double value);
/// Whether `a` is the one to look at first: the worse one, or the larger where neither end is better.
[[nodiscard]] bool isWorse(const OverviewNumber& number, double a, double b);

/// What is kept of a tensor's statistics: one value per number of that source, in the order of `overviewNumbers()`.
inline constexpr std::size_t kStatistics = 11;
using StatisticValues = std::array<float, kStatistics>;
[[nodiscard]] StatisticValues statisticValues(const engine::TensorStatistics& statistics);

/// One value per tensor; NaN where there is none. `index` is that of the number, `statistics` has one entry per tensor,
/// `method` and `effects` may be null.
[[nodiscard]] std::vector<float> valuesOf(std::size_t index, const engine::Checkpoint& checkpoint,
                                          const std::vector<StatisticValues>& statistics,
                                          const engine::MethodResult* method, const engine::MethodPropagation* effects);

/// The range of the colours: all finite values; around zero for the mean; for log scales the positive ones.
[[nodiscard]] Range rangeOf(const OverviewNumber& number, std::span<const float> values);

} // namespace qscope
