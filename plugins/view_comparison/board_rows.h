// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/propagation_report.h"
#include "plugins/sdk/widgets/plot_layer.h"
#include "plugins/view_comparison/column_picture.h"

#include <optional>
#include <vector>

namespace qscope {

/// The charts of a column, from top to bottom.
enum class BoardRow : std::uint8_t {
    Values,     ///< stored and resulting weights, with the grid
    Errors,     ///< histogram of the error
    Map,        ///< the error over the matrix; of the model, by module and layer
    Channels,   ///< error by input channel; of the model, by tensor
    Propagation ///< error through the layers on a text
};
inline constexpr int kBoardRows = 5;

/// What a chart of a column is made from; either may be missing.
struct ColumnData {
    const ColumnPicture* picture = nullptr;
    const engine::MethodPropagation* propagation = nullptr;
    int method = 0; ///< for its colour
    bool isModel = false;
};

/// Empty for the map, and where there is nothing to draw.
[[nodiscard]] std::vector<PlotLayer> rowLayers(BoardRow row, const ColumnData& column);

/// "Error ŵ − w".
[[nodiscard]] QString rowTitle(BoardRow row, bool isModel);
[[nodiscard]] Axis rowAxisX(BoardRow row);
[[nodiscard]] Axis rowAxisY(BoardRow row);

/// The range that holds both; nothing and a range is the range.
[[nodiscard]] std::optional<Range> united(std::optional<Range> a, std::optional<Range> b);
/// Extents of a column's layers; densities reach down to a ten thousandth of their peak, so that a tail of single
/// weights does not squeeze the rest.
[[nodiscard]] std::optional<Range> rowExtentX(BoardRow row, const std::vector<PlotLayer>& layers);
[[nodiscard]] std::optional<Range> rowExtentY(BoardRow row, const std::vector<PlotLayer>& layers);

/// What a chart says at an x value: "0.0123: 3.1 stored, 4.5 result"; empty: nothing there.
[[nodiscard]] QString rowReadout(BoardRow row, const std::vector<PlotLayer>& layers, double x);

} // namespace qscope
