// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QAbstractScrollArea>

#include <optional>

namespace qscope {

/// A component as read: rounding noise around zero is 0.
[[nodiscard]] QString formatComponent(double value, int significant);

/// A painted picture of a state that scrolls when it is taller than the widget, reads out what is under the cursor and
/// offers the usual copies. Subclasses hold the data and paint it; only what is in sight needs painting.
class StateCanvas : public QAbstractScrollArea {
public:
    StateCanvas(ViewContext& context, const QString& accessibleName, QWidget* parent);

    /// The data changed: scroll range and picture are up to date after this.
    void contentChanged();
    /// All the data as comma-separated text, full precision.
    [[nodiscard]] virtual QString csv() const = 0;
    /// What is under a point of the picture, as text with full precision; empty: nothing.
    [[nodiscard]] virtual QString itemText(QPointF point) const = 0;

    [[nodiscard]] QSize sizeHint() const override { return {480, 360}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {200, 140}; }

protected:
    /// Height of the whole picture at a width; 0: as high as there is room.
    [[nodiscard]] virtual double contentHeight(double width) const = 0;
    /// `size` is that of the whole picture, `sight` the part of it on show; the origin is the picture's.
    virtual void paint(QPainter& painter, const QSizeF& size, const QRectF& sight) = 0;
    virtual void click(QPointF) {}

    /// The whole picture's size now.
    [[nodiscard]] QSizeF contentSize() const;
    [[nodiscard]] std::optional<QPointF> hover() const { return m_hover; }
    [[nodiscard]] ViewContext& context() const { return m_context; }

    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    [[nodiscard]] QPointF toContent(QPointF viewportPoint) const;

    ViewContext& m_context;
    std::optional<QPointF> m_hover; ///< in the picture's coordinates
};

} // namespace qscope
