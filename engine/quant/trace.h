// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qscope::engine {

/// Something a method saw on its way that is worth looking at: the loss while it learned, the error over clipped ranges.
/// What can be derived from a result (codes, outliers, factors) or from calibration is not repeated in one.
struct Trace {
    std::string title; ///< "Loss of block 3"
    std::string xLabel, yLabel;
    std::vector<double> x = {}; ///< empty: 0, 1, 2, ...
    std::vector<double> y;
};

} // namespace qscope::engine
