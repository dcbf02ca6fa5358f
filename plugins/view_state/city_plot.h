// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"

#include <QPainter>
#include <QPolygonF>
#include <QStringList>

#include <array>
#include <vector>

namespace qscope {

/// A square matrix as a city: one bar per entry, seen from the front corner. Columns run along the front left edge,
/// rows along the front right one. Plain data and its drawing; knows nothing of states.
struct CityPlot {
    int size = 0;                ///< rows = columns
    std::vector<double> heights; ///< row-major; negative bars hang below the floor
    std::vector<QColor> colors;  ///< one per bar
    std::vector<double> phases;  ///< hands drawn on the roofs, radians; empty: none
    double top = 1;              ///< the height of the scale: no |height| is above it
    QStringList labels;          ///< of rows and columns
};

/// Where the parts of a city lie inside `area`.
class CityGeometry {
public:
    CityGeometry(const CityPlot& plot, const QRectF& area);
    /// Screen point of a grid position (fractions are places inside a cell) at `height`.
    [[nodiscard]] QPointF place(double row, double column, double height) const;
    /// The three visible faces of a bar: left, right, roof.
    [[nodiscard]] std::array<QPolygonF, 3> faces(int row, int column) const;
    /// The bar or empty cell under a point, the front most first, as row * size + column; -1: none.
    [[nodiscard]] int barAt(QPointF point) const;

private:
    const CityPlot& m_plot;
    QPointF m_back;    ///< the back corner, on the floor
    double m_half = 0; ///< half the width of a cell's rhombus, which is half as high as wide
    double m_rise = 0; ///< pixels per unit of height
};

/// `highlighted` as from `barAt`.
void paintCity(QPainter& painter, const QRectF& area, const CityPlot& plot, int highlighted, const Theme& theme);

} // namespace qscope
