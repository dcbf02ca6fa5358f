// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/view_state/city_plot.h"

namespace qscope {

// The data of a city as a Hinton diagram: one square per entry whose area is the entry's size, seen from above.

/// Where the cells lie inside `area`, which also holds the labels.
[[nodiscard]] QRectF hintonCells(const CityPlot& plot, const QRectF& area);
/// The cell under a point as row * size + column; -1: none.
[[nodiscard]] int hintonCellAt(const CityPlot& plot, const QRectF& area, QPointF point);
void paintHinton(QPainter& painter, const QRectF& area, const CityPlot& plot, int highlighted, const Theme& theme);

} // namespace qscope
