// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "plugins/sdk/theme.h"
#include "plugins/sdk/widgets/circuit_geometry.h"

#include <QImage>
#include <QPainter>

#include <filesystem>

namespace qscope {

/// What is marked on a circuit drawing; -1: none.
struct CircuitMarks {
    std::int64_t step = -1; ///< operations applied: an accent line, and what comes later is dimmed
    int qubit = -1;
    std::int64_t hovered = -1;
};

/// Paints the part of a drawing that lies in `sight` (in the drawing's coordinates, which are the painter's). The wire
/// names stand at the left edge of `sight`. Returns how many operations it painted: those of the columns in sight.
std::size_t paintCircuit(QPainter& painter, const CircuitGeometry& geometry, const QRectF& sight, const Theme& theme,
                         const CircuitMarks& marks = {});

/// The whole circuit reduced to a picture of `size`: where there are operations. For the strip below large circuits.
[[nodiscard]] QImage circuitMinimap(const CircuitGeometry& geometry, QSize size, const Theme& theme);

/// Writes the drawing as `.svg` or `.png`; a wide circuit continues on further lines. Needs a QGuiApplication for its
/// fonts, no display.
[[nodiscard]] Result<void> drawCircuit(const engine::Circuit& circuit, const Theme& theme,
                                       const std::filesystem::path& path,
                                       engine::WireOrder order = engine::WireOrder::ZeroAtTop);

} // namespace qscope
