// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qscope::engine {

/// Something a method saw on its way that is worth looking at, such as its loss while it learned. Titles "Chart: curve"
/// share a chart, a single point is a mark. Codes, outliers and factors are in the result and need no trace.
struct Trace {
    std::string title; ///< "Loss of block 3"
    std::string xLabel, yLabel;
    std::vector<double> x = {}; ///< empty: 0, 1, 2, ...
    std::vector<double> y;
};

} // namespace qscope::engine
