// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"

#include <QPainter>

#include <complex>

namespace qscope {

/// The hue of an angle in radians on the cyclic map.
[[nodiscard]] QColor phaseColor(double radians);

/// A ring in the phase's hue with a hand at its angle (0 to the right, counter-clockwise), so that hue never speaks
/// alone.
void paintPhaseRing(QPainter& painter, QPointF center, double radius, double radians, const Theme& theme);

/// One amplitude of at most 1: a circle, in it a disc of its magnitude in the phase's hue, and the phase as a hand.
void paintAmplitudeDisc(QPainter& painter, QPointF center, double radius, std::complex<double> amplitude,
                        const Theme& theme);

/// The legend: the whole wheel with 0, π/2, π and −π/2 around it, inside `area` (a square of 64 or more).
void paintPhaseWheel(QPainter& painter, const QRectF& area, const Theme& theme);

} // namespace qscope
