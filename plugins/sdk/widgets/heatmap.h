// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <QImage>
#include <QWidget>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace qscope {

/// A rectangle of a matrix at reduced size: cell (i, j) stands for `factor` x `factor` values starting at
/// (row + i * factor, column + j * factor). `row` and `column` are multiples of `factor`.
struct MatrixTile {
    std::int64_t row = 0;
    std::int64_t column = 0;
    std::int64_t factor = 1;
    std::int64_t rows = 0;    ///< cells
    std::int64_t columns = 0; ///< cells
    std::vector<float> cells; ///< row-major; NaN is drawn in the warning colour
};

/// What a heatmap shows besides its cells.
struct HeatmapInfo {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    QString rowTitle;    ///< "Output channel"
    QString columnTitle; ///< "Input channel"
    QString valueTitle;  ///< above the colour bar: "Weight"
    bool isSigned = true; ///< a diverging map over [-limit, limit], else a sequential one over [0, limit]
    double limit = 1;     ///< largest magnitude of the colour range
    QString clipped = {}; ///< what lies outside the range, empty when nothing does
    std::vector<float> rowMarginal = {};    ///< one value per row, drawn beside the rows; empty: none
    std::vector<float> columnMarginal = {};
    QString marginalTitle = {};
};

/// A matrix of any size as colours: pan with the middle button or shift and drag, zoom with the wheel or by dragging a
/// rectangle, double click resets. Cells on screen come from `tileWanted`, asynchronously; what is there stays until
/// the sharper tile arrives.
class Heatmap : public QWidget {
    Q_OBJECT
public:
    explicit Heatmap(ViewContext& context, QWidget* parent = nullptr);

    /// Starts afresh with the full matrix on show (the zoom stays when the shape stays) and asks for a tile.
    void setMatrix(HeatmapInfo info);
    /// Whoever listens to `tileWanted` answers here; a tile with a larger factor stays below a sharper one.
    void setTile(MatrixTile tile);
    /// Row and column of the linked selection, in drawn order; -1: none.
    void setSelected(std::int64_t row, std::int64_t column);
    /// Text for a cell of the matrix under the cursor, from whoever knows names and exact values; without: the tile's value.
    void setReadout(std::function<QString(std::int64_t row, std::int64_t column, std::optional<float> value)> readout);

    [[nodiscard]] const HeatmapInfo& info() const { return m_info; }
    /// The part on show, in rows and columns of the matrix.
    [[nodiscard]] QRectF view() const { return m_view; }
    void setView(const QRectF& view);
    /// The value drawn at a row and column, of the sharpest tile there.
    [[nodiscard]] std::optional<float> valueAt(std::int64_t row, std::int64_t column) const;
    /// Centre of a cell on the widget.
    [[nodiscard]] QPointF toPixel(double row, double column) const;
    /// What is on show as comma-separated text.
    [[nodiscard]] QString asCsv() const;

    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    /// Values on screen: rows [row, row + rows) and columns alike are needed, reduced by `factor` (a power of two).
    void tileWanted(qint64 row, qint64 rows, qint64 column, qint64 columns, qint64 factor);
    void clicked(qint64 row, qint64 column);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    struct PaintedTile {
        MatrixTile tile;
        QImage image;
    };

    [[nodiscard]] QRectF matrixRect() const;
    [[nodiscard]] QPointF toMatrix(QPointF pixel) const; ///< x: column, y: row
    void requestTile();
    void repaintTiles();
    void paintTile(QPainter& painter, const PaintedTile& tile) const;
    void paintMarginals(QPainter& painter) const;
    void paintColourBar(QPainter& painter) const;
    void paintSelection(QPainter& painter) const;
    void paintReadout(QPainter& painter) const;
    [[nodiscard]] QString readoutAt(QPointF pixel) const;

    ViewContext& m_context;
    HeatmapInfo m_info;
    QRectF m_view; ///< x: columns, y: rows
    std::optional<PaintedTile> m_overview;
    std::optional<PaintedTile> m_detail;
    std::int64_t m_selectedRow = -1;
    std::int64_t m_selectedColumn = -1;
    std::function<QString(std::int64_t, std::int64_t, std::optional<float>)> m_readout;
    std::optional<QPointF> m_hover;
    std::optional<QPointF> m_pressed;
    QRectF m_pressedView;
    bool m_panning = false;
    QRectF m_rubber;
};

} // namespace qscope
