// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/circuit_painter.h"

#include <QAbstractScrollArea>

#include <optional>

namespace qscope {

class CircuitMinimap;

/// The drawing of one circuit: scrolls, shows the shared step and qubit, and selects them on a click or by keyboard.
/// Circuits of 30 qubits and more get a strip below with the whole drawing in small.
class CircuitCanvas : public QAbstractScrollArea {
    Q_OBJECT
public:
    static constexpr int kMinimapQubits = 30;

    CircuitCanvas(ViewContext& context, QWidget* parent);

    /// Null: nothing to draw.
    void setGeometryOf(std::shared_ptr<const CircuitGeometry> geometry);
    [[nodiscard]] const CircuitGeometry* drawing() const { return m_geometry.get(); }
    /// The part of the drawing on show.
    [[nodiscard]] QRectF sight() const;
    /// Scrolls so that `center` of the drawing comes to the middle.
    void centerOn(QPointF center);
    /// Where something that is being dragged will go, in the drawing's coordinates.
    void setDropMark(std::optional<QRectF> mark) {
        m_dropMark = mark;
        viewport()->update();
    }
    [[nodiscard]] const std::optional<QRectF>& dropMark() const { return m_dropMark; }

    [[nodiscard]] QSize sizeHint() const override { return {640, 320}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 120}; }

signals:
    void scrolled();
    /// The context menu asks for the whole drawing as a file.
    void saveWanted();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    void updateScrollBars();
    void followStep();
    [[nodiscard]] CircuitMarks marks() const;
    [[nodiscard]] QString tooltipAt(QPointF point) const;
    [[nodiscard]] QString operationsAsCsv() const;

    ViewContext& m_context;
    std::shared_ptr<const CircuitGeometry> m_geometry;
    CircuitMinimap* m_minimap;
    std::int64_t m_hovered = -1;
    std::optional<QRectF> m_dropMark;
};

/// The whole drawing in small with a frame around what is on show; a click or drag moves there.
class CircuitMinimap : public QWidget {
    Q_OBJECT
public:
    static constexpr int kHeight = 56;

    CircuitMinimap(ViewContext& context, CircuitCanvas& canvas);
    /// The drawing or the theme changed.
    void refresh();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;

private:
    void moveTo(QPointF point);

    ViewContext& m_context;
    CircuitCanvas& m_canvas;
    QImage m_image;
};

/// Sets the shared step, clamped to the operations there are; the qubit stays.
void selectStep(ViewContext& context, std::int64_t step);

} // namespace qscope
