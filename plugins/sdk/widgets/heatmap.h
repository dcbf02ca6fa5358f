// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/axis.h"

#include <QImage>
#include <QWidget>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace qscope {

/// A part of a matrix at reduced size: rows [row, row + rows) in steps of `rowFactor`, columns alike. Starts are
/// multiples of their factor; the last cell of an axis may stand for fewer values.
struct TileRequest {
    std::int64_t row = 0;
    std::int64_t rows = 0;
    std::int64_t column = 0;
    std::int64_t columns = 0;
    std::int64_t rowFactor = 1; ///< a power of two, like columnFactor
    std::int64_t columnFactor = 1;

    [[nodiscard]] std::int64_t cellRows() const { return (rows + rowFactor - 1) / rowFactor; }
    [[nodiscard]] std::int64_t cellColumns() const { return (columns + columnFactor - 1) / columnFactor; }
    friend bool operator==(const TileRequest&, const TileRequest&) = default;
};

/// The answer: row-major cells, each the value of largest magnitude (with its sign) of those it stands for; NaN wins.
struct MatrixTile {
    TileRequest area;
    std::vector<float> cells;
};

/// The tile of a small matrix in memory, row-major with `columns` columns; `request` lies within it.
[[nodiscard]] MatrixTile reducedTile(std::span<const float> matrix, std::int64_t columns, const TileRequest& request);

/// What a heatmap shows besides its cells.
struct HeatmapInfo {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    QString rowTitle;    ///< "Output channel"
    QString columnTitle; ///< "Input channel"
    QString valueTitle;  ///< above the colour bar: "Weight"
    /// A diverging map over [-limit, limit], else a sequential one over [0, limit]; of that, negative cells stay blank.
    bool isSigned = true;
    double limit = 1; ///< end of the colour range; values beyond wear the end's colour
    /// In place of `limit`: a range of any ends, on a log scale too. With it NaN is a value that is not known, and
    /// minus infinity says that there is nothing here; neither has a colour.
    std::optional<Range> range = {};
    Scale scale = Scale::Linear;         ///< of `range`
    QString note = {};                   ///< what the reader must know of the range ("3 values beyond"), empty: nothing
    std::vector<float> rowMarginal = {}; ///< one value per row, drawn as bars beside the rows; empty: none
    std::vector<float> columnMarginal = {};
    QString marginalTitle = {};
    std::vector<QString> rowNames = {}; ///< in place of indices, one per row; empty: indices
    std::vector<QString> columnNames = {};
};

/// A matrix of any size as colours: the wheel zooms about the cursor, a drag zooms to its rectangle, the middle button
/// or shift with a drag pans, a double click resets. Cells come in answer to `tileWanted`, at any later time; what is
/// there stays until then. Nearest neighbour when zoomed in; the value of largest magnitude when zoomed out.
class Heatmap : public QWidget {
    Q_OBJECT
public:
    explicit Heatmap(ViewContext& context, QWidget* parent = nullptr);

    /// Starts afresh (the zoom stays when the shape stays) and asks for a tile; old cells stay on show until it comes.
    void setMatrix(HeatmapInfo info);
    /// The answer to `tileWanted`.
    void setTile(MatrixTile tile);
    /// Row and column of the linked selection, in drawn order; -1: none.
    void setSelected(std::int64_t row, std::int64_t column);
    /// Text for a cell from whoever knows names and order; `value` is absent while its tile is under way and stands
    /// for `rowFactor` x `columnFactor` values. Without it: row, column and value.
    void setReadout(std::function<QString(const TileRequest& cell, std::optional<float> value)> readout);

    [[nodiscard]] const HeatmapInfo& info() const { return m_info; }
    /// The part on show: x and width in columns, y and height in rows.
    [[nodiscard]] QRectF view() const { return m_view; }
    void setView(const QRectF& view);
    /// The sharpest known cell at a row and column; its `rows` and `columns` are what it stands for.
    [[nodiscard]] std::optional<float> valueAt(std::int64_t row, std::int64_t column,
                                               TileRequest* cell = nullptr) const;
    /// The middle of a cell on the widget.
    [[nodiscard]] QPointF toPixel(std::int64_t row, std::int64_t column) const;
    /// Where the cells lie on the widget.
    [[nodiscard]] QRectF matrixRect() const;
    /// The cells on show as comma-separated text: row, column, value.
    [[nodiscard]] QString asCsv() const;

    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void tileWanted(const qscope::TileRequest& request);
    /// The user clicked on a cell, or beside a row (column -1) or above a column (row -1).
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
    /// Arrows move the read-out by a cell, Enter clicks, plus and minus zoom, Home resets.
    void keyPressEvent(QKeyEvent* event) override;

private:
    static constexpr double kPad = 8;
    static constexpr double kMarginal = 36; ///< length of the longest marginal bar
    static constexpr double kBarWidth = 12; ///< of the colour bar

    [[nodiscard]] QRectF fullView() const;
    [[nodiscard]] QPointF toMatrix(QPointF pixel) const; ///< x: column, y: row
    [[nodiscard]] QString readoutAt(QPointF pixel) const;
    [[nodiscard]] QRgb colorOf(float value) const;
    /// The colours' range, printed beside the bar.
    [[nodiscard]] Range colorRange() const;
    void requestTile();
    void compose();
    void composeTile(const MatrixTile& tile);
    // heatmap_axes.cpp
    [[nodiscard]] bool columnNamesStand(double across) const;
    void paintAxes(QPainter& painter) const;
    void paintColumnTicks(QPainter& painter) const;
    void paintRowTicks(QPainter& painter) const;
    void paintColumnNames(QPainter& painter) const;
    void paintRowNames(QPainter& painter) const;
    // heatmap_paint.cpp
    void paintMarginals(QPainter& painter) const;
    void paintColorBar(QPainter& painter) const;
    void paintSelection(QPainter& painter) const;
    void paintHover(QPainter& painter) const;

    ViewContext& m_context;
    HeatmapInfo m_info;
    QRectF m_view;
    std::optional<MatrixTile> m_overview; ///< of the whole matrix
    std::optional<MatrixTile> m_detail;   ///< of the part on show
    QImage m_image;                       ///< both, coloured, for `m_view` at the widget's size
    std::int64_t m_selectedRow = -1;
    std::int64_t m_selectedColumn = -1;
    std::function<QString(const TileRequest&, std::optional<float>)> m_readout;
    std::optional<QPointF> m_hover;
    std::optional<QPointF> m_pressed;
    QRectF m_pressedView;
    bool m_panning = false;
    QRectF m_rubber;
};

} // namespace qscope
