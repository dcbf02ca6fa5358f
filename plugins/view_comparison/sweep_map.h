// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/view_comparison/sweep_pivot.h"

#include <QPoint>
#include <QWidget>

namespace qscope {

/// A pivot as coloured cells with the number in each: brighter is better, the best one starred, the selected one
/// framed. A click selects the cell's result, arrow keys walk.
class SweepMap : public QWidget {
    Q_OBJECT
public:
    explicit SweepMap(ViewContext& context, QWidget* parent = nullptr);

    /// `rowTitle` empty: there is one row without a name.
    void setPivot(SweepPivot pivot, const Figure& figure, const QString& columnTitle, const QString& rowTitle);
    void setSelected(int method);
    [[nodiscard]] const SweepPivot& pivot() const { return m_pivot; }
    /// The middle of a cell on the widget.
    [[nodiscard]] QPoint cellCentre(qsizetype row, qsizetype column) const;

    [[nodiscard]] QSize minimumSizeHint() const override { return {280, 160}; }
    [[nodiscard]] QSize sizeHint() const override { return {560, 380}; }

signals:
    void chosen(int method);
    /// The result under the cursor and how many share its cell; -1: none.
    void hovered(int method, int candidates);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    struct Place {
        qsizetype row = -1, column = -1;
        friend bool operator==(const Place&, const Place&) = default;
    };
    [[nodiscard]] QRectF area() const;
    [[nodiscard]] QRectF cellRect(qsizetype row, qsizetype column) const;
    [[nodiscard]] Place placeAt(QPointF pixel) const;
    [[nodiscard]] Place placeOf(int method) const;
    [[nodiscard]] double goodness(double value) const; ///< 0 worst, 1 best of those on show
    [[nodiscard]] QString asCsv() const;
    void paintCells(QPainter& painter) const;
    void paintNames(QPainter& painter) const;
    void paintScale(QPainter& painter) const;
    void hover(Place place);

    ViewContext& m_context;
    SweepPivot m_pivot;
    const Figure* m_figure;
    QString m_columnTitle, m_rowTitle;
    double m_worst = 0, m_best = 1; ///< of the values on show
    int m_selected = -1;
    Place m_hover;
};

} // namespace qscope
