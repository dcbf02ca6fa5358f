// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/plot_layer.h"
#include "plugins/view_comparison/figures.h"

#include <set>
#include <vector>

namespace qscope {

/// What the chart of cost against quality is made from.
struct ParetoChart {
    const engine::CompareReport& report;
    const Figure& cost;    ///< on the x axis: size or time
    const Figure& quality; ///< on the y axis
    ComparisonScope scope = {};
    int selected = -1;
    std::set<int> named = {}; ///< results whose name is written beside the point, besides those on the front
};

/// One point per result (layer index + 1 is its index); layer 0 is the front of results that no other beats in both.
/// Values without a place on the axes, such as the infinite SQNR of an exact result, are left out.
[[nodiscard]] std::vector<PlotLayer> paretoLayers(const ParetoChart& chart);
[[nodiscard]] Axis axisOf(const Figure& figure);

} // namespace qscope
