// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/report/compare_report.h"

namespace qscope::engine {

// Keys of numbers are those of `metricTable()`. An `sqnr_db` of null stands for infinity: the result is exact.

/// {name, bits, relative_mse, sqnr_db, max_error, cosine} and `layer` where there is one.
[[nodiscard]] Json toJson(const TensorResult& result);

/// {method, label, bits_per_weight, bytes, relative_mse, sqnr_db, max_error, cosine, seconds, device}: one row of a
/// comparison. `method` is the specification as one writes it on the command line.
[[nodiscard]] Json summaryJson(const MethodResult& result);

/// The summary and `tensors`.
[[nodiscard]] Json toJson(const MethodResult& result);

/// {source, rows, notes}; every row is a whole method result.
[[nodiscard]] Json toJson(const CompareReport& report);

/// {severity, message} and `subject` where there is one.
[[nodiscard]] Json toJson(const Diagnostic& note);

} // namespace qscope::engine
