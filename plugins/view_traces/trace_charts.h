// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/compare_report.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <QString>

#include <vector>

namespace qscope {

/// Traces that share axes, of any number of methods.
struct TraceChart {
    QString title;
    Axis x;
    Axis y;                             ///< scale left linear
    bool mayBeLog = false;              ///< all y are above zero, and none is a percentage
    std::vector<PlotLayer> layers = {}; ///< a line per trace, a mark for one of a single point
    std::vector<int> methods = {};      ///< of each layer
};

/// The charts of one tensor, in the order in which methods left their traces. Traces with x and y of different lengths
/// are left out.
[[nodiscard]] std::vector<TraceChart> traceCharts(const engine::CompareReport& report, std::int64_t tensor);

/// Tensors for which some method left a trace, ascending.
[[nodiscard]] std::vector<std::size_t> tracedTensors(const engine::CompareReport& report);

} // namespace qscope
