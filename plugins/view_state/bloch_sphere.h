// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"
#include "plugins/sdk/theme.h"

#include <QPainter>

namespace qscope {

/// Where a point of the unit ball lands on the picture: `position` in units of the radius (y down), `depth` towards
/// the viewer. x points to the front left, y to the right, z up.
struct Projected {
    QPointF position;
    double depth = 0;
};
[[nodiscard]] Projected projectBloch(const engine::BlochVector& point);

/// A sphere with shaded back half, labelled poles and axes, and `vector` in `color`, inside the square `area`.
/// A mixed state is a short arrow; one at the centre is a dot.
void paintBlochSphere(QPainter& painter, const QRectF& area, const engine::BlochVector& vector, const QColor& color,
                      const Theme& theme);

[[nodiscard]] double length(const engine::BlochVector& vector);

} // namespace qscope
