// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/metrics.h"
#include "engine/report/compare_report.h"

#include <QString>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace qscope {

/// Which numbers are compared: over all treated weights, or on one tensor (index in the checkpoint).
using ComparisonScope = std::optional<std::int64_t>;

/// How the difference of two values is told.
enum class Difference : std::uint8_t { Percent, Absolute };

/// One number of a result, as the table, the charts' axes and the map of a sweep show it.
struct Figure {
    std::string_view key; ///< in the table of metrics, which says what it means and which way is better
    const char* title;
    Difference difference = Difference::Percent;
    bool isLog = false;   ///< spans powers of ten
    bool isCost = false;  ///< size and time; the others are quality
    bool ofModel = false; ///< of whole results only, not of single tensors
};

/// All of them, in the table's order.
[[nodiscard]] std::span<const Figure> figures();
/// The key must exist.
[[nodiscard]] const Figure& figure(std::string_view key);
[[nodiscard]] QString titleOf(const Figure& figure);
/// 1: larger is better, -1: smaller.
[[nodiscard]] int betterWay(const Figure& figure);

/// NaN: not known, such as a quality on a text that was not measured, or a tensor that the method left out.
[[nodiscard]] double valueOf(const Figure& figure, const engine::MethodResult& method, ComparisonScope scope);
/// Whether any result of the report has it in this scope.
[[nodiscard]] bool isKnown(const Figure& figure, const engine::CompareReport& report, ComparisonScope scope);
/// "–" for NaN.
[[nodiscard]] QString textOf(const Figure& figure, double value);
/// "+12.3 %", "× 42.0" (from ten times on), "−0.25", "+1.2 dB", "0"; "–" when one is not known.
[[nodiscard]] QString differenceText(const Figure& figure, double value, double baseline);
/// All known figures in one line, for read-outs.
[[nodiscard]] QString summaryOf(const engine::MethodResult& method, ComparisonScope scope);

} // namespace qscope
