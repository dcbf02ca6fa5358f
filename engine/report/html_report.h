// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/compare_report.h"

#include <string>
#include <utility>
#include <vector>

namespace qscope::engine {

/// What a report says about itself beside its results.
struct HtmlReportDetails {
    std::string version;             ///< of the program
    std::string date;                ///< "2026-11-22", or empty
    std::vector<MethodInfo> methods; ///< of the methods used: names, papers, default parameters
    std::vector<std::pair<std::string, std::string>> settings; ///< further lines: "Seed", "0"
};

/// One page that needs no other file: metrics side by side, the trade of size against error, error across the depth of the
/// network, the worst tensors, settings and notes. Pictures are SVG; light and dark follow the reader's system.
[[nodiscard]] std::string htmlReport(const CompareReport& report, const HtmlReportDetails& details);

} // namespace qscope::engine
