// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/compare_report.h"

#include <string>
#include <utility>
#include <vector>

namespace qscope::engine {

/// A picture of what was on screen, as the bytes of a PNG file.
struct ReportPicture {
    std::string title; ///< read aloud in place of the picture
    std::string png;
};

/// What a report says about itself beside its results.
struct HtmlReportDetails {
    std::string version;             ///< of the program
    std::string date;                ///< "2026-11-22 14:03", or empty
    std::vector<MethodInfo> methods; ///< of the methods used: names, papers, default parameters
    std::vector<std::pair<std::string, std::string>> settings; ///< further lines: "Seed", "0"
    std::vector<ReportPicture> pictures = {}; ///< of the views as they were
};

/// A section with the pictures, each within the page; empty without any.
[[nodiscard]] std::string pictureSection(const std::vector<ReportPicture>& pictures);

/// One page that needs no other file: metrics side by side, the trade of size against error, error across the depth of the
/// network, the worst tensors, settings and notes. Pictures are SVG; light and dark follow the reader's system.
[[nodiscard]] std::string htmlReport(const CompareReport& report, const HtmlReportDetails& details);

} // namespace qscope::engine
