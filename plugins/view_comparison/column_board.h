// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/jobs.h"
#include "plugins/view_comparison/board_columns.h"
#include "plugins/view_comparison/board_rows.h"

#include <QAbstractScrollArea>
#include <QImage>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>

class QMenu;

namespace qscope {

/// Results side by side as columns of small charts with shared axes. One widget paints those that are on screen,
/// whatever their number, and has pictures made for these alone. Hovering shows the same place in every column; a drag
/// zooms a row of charts, the wheel zooms it about the cursor (with Shift it scrolls), a double click resets it; a
/// click selects the result; pinned columns are dragged by their head.
class ColumnBoard : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit ColumnBoard(ViewContext& context, QWidget* parent = nullptr);
    ~ColumnBoard() override;

    void setColumns(std::vector<BoardColumn> columns, std::shared_ptr<const engine::CompareReport> report,
                    std::shared_ptr<const engine::Checkpoint> checkpoint);
    void setPropagation(std::shared_ptr<const engine::PropagationReport> propagation);
    void setBaseline(const QString& label);
    /// The column of the selection.
    void setSelected(const Selection& selection);
    /// Adds the actions of a column to its menu.
    void setMenuHook(std::function<void(QMenu&, const BoardColumn&)> hook);

    [[nodiscard]] const std::vector<BoardColumn>& columns() const { return m_columns; }
    /// Where a column's head, its pin and a chart lie on the viewport.
    [[nodiscard]] QRectF headRect(std::size_t column) const;
    [[nodiscard]] QRectF pinRect(std::size_t column) const;
    [[nodiscard]] QRectF chartRect(std::size_t column, BoardRow row) const;
    /// The first and one past the last column on screen.
    [[nodiscard]] std::pair<std::size_t, std::size_t> visibleColumns() const;
    [[nodiscard]] Range viewX(BoardRow row, bool isModel) const;
    /// How many columns have been painted since the program's start: what a test asks.
    [[nodiscard]] std::int64_t columnsPainted() const { return m_columnsPainted; }
    [[nodiscard]] std::size_t picturesHeld() const { return m_pictures.size(); }
    [[nodiscard]] QString asCsv() const;

    [[nodiscard]] QSize minimumSizeHint() const override { return {280, 200}; }

signals:
    void chosen(const qscope::BoardColumn& column);
    /// A cell of a tensor (row, column; -1: not said) or a tensor of the model was clicked.
    void placeChosen(const qscope::BoardColumn& column, qint64 tensor, qint64 row, qint64 matrixColumn);
    void pinToggled(const qscope::BoardColumn& column);
    /// A pinned column was dragged in front of the place `to`.
    void moved(int from, int to);
    void activated(const qscope::BoardColumn& column);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void showEvent(QShowEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    static constexpr double kGutter = 52;   ///< left of the first column: the shared y axes
    static constexpr double kHead = 60;     ///< a column's name, tensor and numbers
    static constexpr double kTitle = 20;    ///< above each row of charts
    static constexpr double kTickRoom = 18; ///< below each chart

    using Key = std::pair<const void*, std::int64_t>; ///< the codes' own address and the tensor
    struct Held {
        std::shared_ptr<const engine::CompareReport> report; ///< keeps the address from being used again
        std::shared_ptr<const ColumnPicture> picture;        ///< null: it could not be made
        QString problem;
        std::int64_t used = 0;
        mutable QImage map; ///< coloured for `mapRange`
        mutable Range mapRange;
    };
    struct Hover {
        std::size_t column = 0;
        BoardRow row = BoardRow::Values;
        QPointF at; ///< value of x (and y) of a chart; shares of width and height of a map
    };

    // column_board.cpp
    [[nodiscard]] std::vector<BoardRow> shownRows() const;
    [[nodiscard]] double columnWidth() const;
    [[nodiscard]] double rowHeight() const;
    [[nodiscard]] Key keyOf(const BoardColumn& column) const;
    [[nodiscard]] const Held* held(const BoardColumn& column) const;
    [[nodiscard]] ColumnData dataOf(const BoardColumn& column) const;
    void refreshScrollBars();
    void refreshRanges();
    void wantPictures();
    void keepFew();
    void showColumn(std::size_t column);
    // column_board_events.cpp
    [[nodiscard]] std::optional<std::size_t> columnAt(QPointF pixel) const;
    [[nodiscard]] std::optional<Hover> placeAt(QPointF pixel) const;
    [[nodiscard]] PlotFrame frameOf(std::size_t column, BoardRow row) const;
    void clickOn(QPointF pixel);
    void zoom(BoardRow row, bool isModel, std::optional<Range> view);
    void setHover(std::optional<Hover> hover);
    // column_board_paint.cpp and column_board_map.cpp
    void paintHead(QPainter& painter, std::size_t column) const;
    void paintChart(QPainter& painter, std::size_t column, BoardRow row) const;
    void paintMap(QPainter& painter, std::size_t column) const;
    void paintRowFrame(QPainter& painter, BoardRow row) const;
    [[nodiscard]] const QImage& mapImage(const Held& entry, bool isModel) const;
    void paintMapScales(QPainter& painter, QPointF at) const;
    [[nodiscard]] QString mapReadout(std::size_t column) const;
    [[nodiscard]] QString missingText(const BoardColumn& column) const;

    ViewContext& m_context;
    std::vector<BoardColumn> m_columns;
    std::shared_ptr<const engine::CompareReport> m_report;
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::shared_ptr<const engine::PropagationReport> m_propagation;
    QString m_baseline;
    int m_selected = -1; ///< column
    std::map<Key, Held> m_pictures;
    std::int64_t m_clock = 0;
    std::unique_ptr<Jobs> m_jobs;
    /// Shared by all columns of a kind (tensor, model): x by row and kind, y by row.
    std::array<std::array<std::optional<Range>, 2>, kBoardRows> m_fullX, m_viewX;
    std::array<std::optional<Range>, kBoardRows> m_fullY;
    double m_mapLimit = 0;                ///< largest error on the tensors' maps
    std::optional<Range> m_modelMapRange; ///< of relative MSE
    std::function<void(QMenu&, const BoardColumn&)> m_menuHook;
    std::optional<Hover> m_hover;
    std::optional<QPointF> m_pressed;
    std::optional<double> m_rubberX; ///< pixel where the drag is
    std::optional<int> m_dragTo;     ///< place among the pins
    mutable std::int64_t m_columnsPainted = 0;
};

} // namespace qscope
