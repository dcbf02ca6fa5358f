// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/propagation_report.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <vector>

namespace qscope {

/// What is drawn of each place: its error, or the shape of its values.
enum class Quantity : std::uint8_t { RelativeMse, Sqnr, Cosine, MaxToMean, Kurtosis };

/// Which places: the residual stream behind each block, or the modules inside the blocks.
enum class Places : std::uint8_t { Stream, Parts };

/// "Relative MSE", and its key in the table of metrics.
[[nodiscard]] QString nameOf(Quantity quantity);
[[nodiscard]] Axis axisOf(Quantity quantity);

/// The x axis of depth: block n spans [n - 0.5, n + 0.5], every second one is shaded, its parts are small ticks.
struct DepthAxis {
    Axis axis;
    std::vector<Range> bands;
    Range full;
};
[[nodiscard]] DepthAxis depthAxis(const engine::PropagationReport& report);

/// The places of one method in the order of their x values.
[[nodiscard]] const std::vector<engine::PropagatedPlace>& placesOf(const engine::MethodPropagation& method,
                                                                   Places places);
/// One line per method; the layer's index is the method's. Of MaxToMean and Kurtosis, full precision comes last.
[[nodiscard]] std::vector<PlotLayer> depthLines(const engine::PropagationReport& report, Quantity quantity,
                                                Places places, int selectedLayer);
/// All numbers of a place, as a read-out.
[[nodiscard]] QString describePlace(const QString& method, const engine::PropagatedPlace& place);

/// The error of one method behind each block (rows) of each token (columns).
struct TokenMatrix {
    HeatmapInfo info;
    std::vector<float> values;
};
[[nodiscard]] TokenMatrix tokenMatrix(const engine::MethodPropagation& method);
/// A token's text so that it can be seen: quoted, line ends and other control characters spelled.
[[nodiscard]] QString shownPiece(const std::string& piece);

/// What quantizing a part does to the logits (KL divergence), as bars over the layers.
enum class Attributed : std::uint8_t { Alone, UpTo, Without };
[[nodiscard]] PlotLayer attributionBars(const engine::MethodPropagation& method, int category, Attributed what,
                                        int selectedLayer);

} // namespace qscope
