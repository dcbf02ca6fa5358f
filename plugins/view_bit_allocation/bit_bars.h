// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <QWidget>

#include <optional>
#include <vector>

namespace qscope {

/// A layer, or one tensor of a layer that is open.
struct BitBar {
    QString label;     ///< under the bar: "12", "q_proj"
    QString name;      ///< in full: "Layer 12", the tensor's name
    double bits = 0;   ///< its height; of a layer the mean
    double share = -1; ///< of the predicted loss of quality, 0 to 1; negative: not known
    QString details;   ///< further lines of the read-out
    bool isTensor = false;
    bool isOpen = false;  ///< a layer whose tensors follow
    bool isFixed = false; ///< not the method's: hatched
    bool isSelected = false;
};

/// Bars whose heights are edited: drag or Up and Down change the width, a digit sets it, Left and Right walk, Return or
/// a double click opens a layer. Knows no plan; heights change when `setBars` says so.
class BitBars : public QWidget {
    Q_OBJECT
public:
    explicit BitBars(ViewContext& context, QWidget* parent = nullptr);

    /// `even`: the plan's own width, drawn as a line; `widths` ascending are those that can be asked for.
    void setBars(std::vector<BitBar> bars, std::vector<int> widths, int even, Ink ink);
    [[nodiscard]] const std::vector<BitBar>& bars() const { return m_bars; }
    [[nodiscard]] int current() const { return m_current; }
    /// The place of a bar at a number of bits.
    [[nodiscard]] QPointF toPixel(int bar, double bits) const;
    [[nodiscard]] QString asCsv() const;
    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] QSize sizeHint() const override { return minimumSizeHint(); }

signals:
    /// While the user drags.
    void previewed(int bar, int bits);
    void committed(int bar, int bits);
    void dragCancelled();
    void opened(int bar);
    void chosen(int bar);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    [[nodiscard]] QRectF chart() const;
    [[nodiscard]] QRectF column(int bar) const;
    [[nodiscard]] double yOf(double bits) const;
    [[nodiscard]] int barAt(QPointF pixel) const;
    [[nodiscard]] int widthAt(double y) const;
    [[nodiscard]] int neighbour(double bits, int step) const;
    void makeCurrent(int bar);
    void paintScale(QPainter& painter) const;
    void paintBar(QPainter& painter, int bar) const;

    ViewContext& m_context;
    std::vector<BitBar> m_bars;
    std::vector<double> m_before; ///< least widths of the bars before each, and of all
    double m_mostShare = 0;
    std::vector<int> m_widths;
    int m_even = 0;
    Ink m_ink;
    int m_current = 0;
    int m_hover = -1;
    int m_dragged = -1;
    std::optional<int> m_asked; ///< while dragging, once it has moved
    QPointF m_pressed;
};

} // namespace qscope
