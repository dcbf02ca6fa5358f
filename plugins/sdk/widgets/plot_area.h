// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <QWidget>

#include <functional>
#include <optional>
#include <vector>

namespace qscope {

/// One chart: title, axes, layers, corner note. The wheel zooms about the cursor, a drag zooms to its rectangle, a
/// double click resets, a click on a point reports it, the context menu copies and saves.
/// Not for live editing of single points: layers are replaced whole.
class PlotArea : public QWidget {
    Q_OBJECT
public:
    /// What is under the cursor: a point or bar of a layer.
    struct Hit {
        std::size_t layer = 0;
        int index = 0;
    };

    /// Colours follow `context.theme()`.
    explicit PlotArea(ViewContext& context, QWidget* parent = nullptr);

    void setTitle(const QString& title);
    void setAxes(const Axis& x, const Axis& y);
    /// Replaces all layers. The zoom stays when the full ranges stay.
    void setLayers(std::vector<PlotLayer> layers);
    /// Shaded intervals of the x axis behind everything, such as every second block of a network.
    void setBands(std::vector<Range> bands);
    /// Fixes the full range of an axis; without, it is the padded extent of the layers.
    void setFullRange(std::optional<Range> x, std::optional<Range> y);
    /// Muted text in the top right corner, computed for the x range on show (tails, clipped values); empty: none.
    void setNote(std::function<QString(const Range& x)> note);
    /// Replaces the read-out's text for a hit ("layer 3: 21.3 dB"); lines are separated by \n.
    void setReadout(std::function<QString(const Hit&)> readout);
    /// Adds actions above the standard ones of the context menu; `hit` is what was under the cursor.
    void setMenuHook(std::function<void(QMenu&, const std::optional<Hit>& hit)> hook);

    [[nodiscard]] const std::vector<PlotLayer>& layers() const { return m_layers; }
    [[nodiscard]] PlotFrame frame() const;
    [[nodiscard]] Range viewX() const { return m_viewX.value_or(m_fullX); }
    [[nodiscard]] Range viewY() const { return m_viewY.value_or(m_fullY); }
    /// Zooms; nothing: the full range. Emits `viewChanged` only when the user did it.
    void setView(std::optional<Range> x, std::optional<Range> y);
    /// An accent line along the top: this one of several plots is the selected one.
    void setMarked(bool marked);
    /// Shows the read-out at an x value as if the cursor were there (linked small multiples); nothing hides it.
    void showHover(std::optional<double> x);
    [[nodiscard]] QString asCsv() const;

    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    /// The user clicked on a point or bar.
    void clicked(qscope::PlotArea::Hit hit);
    void doubleClickedOn(qscope::PlotArea::Hit hit);
    /// The user zoomed or reset.
    void viewChanged();
    /// The cursor is over this x value; `inside` is false when it left.
    void hovered(double x, bool inside);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    /// Arrows move the read-out, Enter clicks, plus and minus zoom, Home resets.
    void keyPressEvent(QKeyEvent* event) override;

private:
    void updateFullRanges();
    void zoomAbout(QPointF pixel, double factor);
    [[nodiscard]] std::optional<Hit> hitAt(QPointF pixel) const;
    [[nodiscard]] QString readoutOf(const Hit& hit) const;
    void paintAxes(QPainter& painter, const PlotFrame& frame) const;
    void paintCaptions(QPainter& painter, const PlotFrame& frame) const;
    void paintHover(QPainter& painter, const PlotFrame& frame) const;

    ViewContext& m_context;
    QString m_title;
    Axis m_xAxis;
    Axis m_yAxis;
    std::vector<PlotLayer> m_layers;
    std::vector<Range> m_bands;
    std::optional<Range> m_fixedX;
    std::optional<Range> m_fixedY;
    Range m_fullX;
    Range m_fullY;
    std::optional<Range> m_viewX;
    std::optional<Range> m_viewY;
    std::function<QString(const Range&)> m_note;
    std::function<QString(const Hit&)> m_readout;
    std::function<void(QMenu&, const std::optional<Hit>&)> m_menuHook;
    std::optional<QPointF> m_hover;
    std::optional<QPointF> m_pressed;
    QRectF m_rubber;
    bool m_marked = false;
};

} // namespace qscope
