// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <span>
#include <string_view>

namespace qscope::engine {

/// How far a result is from its reference. Definitions: `metricTable()`.
struct ErrorMetrics {
    double relativeMse = 0;
    double sqnrDb = 0; ///< infinity when exact
    double maxError = 0;
    double cosine = 1; ///< 1 when both are zero
};

[[nodiscard]] ErrorMetrics metricsOf(const ErrorSums& sums);

enum class Better : std::uint8_t { Lower, Higher, Neither };

/// One row of the table of metrics: what headers, tooltips, help and JSON say about a number.
struct MetricInfo {
    std::string_view key;     ///< in JSON: "relative_mse"
    std::string_view name;    ///< in tables: "Relative MSE"
    std::string_view unit;    ///< "dB", or empty
    std::string_view formula; ///< plain text
    std::string_view meaning; ///< one sentence
    std::string_view source;  ///< where the definition comes from
    Better better = Better::Neither;
};

/// Every number shown to users, statistics and metrics alike. The single source of their definitions.
[[nodiscard]] std::span<const MetricInfo> metricTable();
/// The row of a key; the key must exist.
[[nodiscard]] const MetricInfo& metric(std::string_view key);

} // namespace qscope::engine
