// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/layout.h"

#include <QPointF>
#include <QRectF>
#include <QString>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace qscope {

/// What lies under a point of a circuit drawing; -1: none.
struct CircuitHit {
    std::int64_t operation = -1;
    int qubit = -1;
};

/// Where everything of a circuit drawing lies, in pixels from its top left corner. Wires are evenly spaced; columns are
/// as wide as their widest operation, on a grid of 8. Built once per circuit; every question costs what it shows.
class CircuitGeometry {
public:
    static constexpr double kRow = 48;   ///< from wire to wire
    static constexpr double kBox = 28;   ///< side of the smallest gate box
    static constexpr double kMargin = 8; ///< above the first and below the last wire
    static constexpr double kMostLabel = 160;

    CircuitGeometry(std::shared_ptr<const engine::Circuit> circuit, engine::WireOrder order);

    [[nodiscard]] const engine::Circuit& circuit() const { return *m_circuit; }
    [[nodiscard]] const engine::CircuitLayout& layout() const { return m_layout; }
    [[nodiscard]] QSizeF size() const;
    /// Width of the names on the left, which stay in sight while the columns scroll.
    [[nodiscard]] double labelWidth() const { return m_labelWidth; }

    [[nodiscard]] double wireY(int qubit) const;
    [[nodiscard]] double registerY(int creg) const;
    [[nodiscard]] double columnX(int column) const {
        return m_labelWidth + m_columnX[static_cast<std::size_t>(column)];
    }
    [[nodiscard]] double columnCenter(int column) const { return (columnX(column) + columnX(column + 1)) / 2; }
    /// The column at x, clamped to those there are (0 when there are none).
    [[nodiscard]] int columnAt(double x) const;
    /// Where the line of "so many operations applied" stands: right of the last one applied.
    [[nodiscard]] double stepX(std::int64_t step) const;
    /// The symbol with its controls, without the way to the classical wires.
    [[nodiscard]] QRectF operationRect(std::size_t operation) const;
    [[nodiscard]] CircuitHit hitAt(QPointF point) const;

    /// The operations that stand in a column.
    [[nodiscard]] std::span<const std::uint32_t> operationsIn(int column) const;
    /// Columns after which a qubit's wire carries a measured value, or again does not (after a reset), ascending.
    [[nodiscard]] std::span<const std::pair<int, bool>> changes(int qubit) const {
        return m_changes[static_cast<std::size_t>(qubit)];
    }
    /// The classical register that holds a bit.
    [[nodiscard]] int registerOf(int clbit) const;

    [[nodiscard]] QString qubitName(int qubit) const;

private:
    void buildColumns();
    void buildChanges();

    std::shared_ptr<const engine::Circuit> m_circuit;
    engine::WireOrder m_order;
    engine::CircuitLayout m_layout;
    double m_labelWidth = 0;
    std::vector<double> m_columnX;            ///< left edges, and the right edge of the last
    std::vector<std::uint32_t> m_columnBegin; ///< into `m_byColumn`
    std::vector<std::uint32_t> m_byColumn;    ///< operation indices, by column
    std::vector<std::vector<std::pair<int, bool>>> m_changes;
};

} // namespace qscope
