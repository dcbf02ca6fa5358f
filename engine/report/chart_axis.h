// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/svg_chart.h"

#include <string>
#include <vector>

namespace qscope::engine {

struct ChartTick {
    double value = 0;
    std::string text; ///< empty: a minor tick
};

/// Where values fall on one side of a picture: from `begin` to `end` in its units.
struct AxisMap {
    ChartAxis::Scale scale = ChartAxis::Scale::Linear;
    double low = 0;  ///< of the decimal logarithm on a logarithmic axis
    double high = 1;
    double begin = 0;
    double end = 1;
    std::vector<ChartTick> ticks;

    [[nodiscard]] bool shows(double value) const;
    [[nodiscard]] double at(double value) const;
};

/// An axis that holds all values that its scale can show, ending on ticks.
[[nodiscard]] AxisMap makeAxis(ChartAxis::Scale scale, const std::vector<double>& values, double begin, double end);

} // namespace qscope::engine
