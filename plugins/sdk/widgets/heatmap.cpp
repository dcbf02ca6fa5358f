// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/heatmap.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kDragThreshold = 5;
constexpr double kFewestCells = 4; // per side at the deepest zoom

/// The largest power of two that still gives every pixel a cell of its own.
std::int64_t factorFor(double valuesPerPixel) {
    std::int64_t factor = 1;
    while (static_cast<double>(factor * 2) <= valuesPerPixel) factor *= 2;
    return factor;
}

bool covers(const TileRequest& area, const HeatmapInfo& info) {
    return area.row == 0 && area.column == 0 && area.rows == info.rows && area.columns == info.columns;
}

std::optional<float> cellOf(const MatrixTile& tile, std::int64_t row, std::int64_t column, TileRequest* cell) {
    const TileRequest& area = tile.area;
    if (row < area.row || row >= area.row + area.rows || column < area.column || column >= area.column + area.columns)
        return std::nullopt;
    const std::int64_t i = (row - area.row) / area.rowFactor, j = (column - area.column) / area.columnFactor;
    if (cell) {
        const std::int64_t firstRow = area.row + i * area.rowFactor, firstColumn = area.column + j * area.columnFactor;
        *cell = {firstRow,       std::min(area.rowFactor, area.row + area.rows - firstRow),
                 firstColumn,    std::min(area.columnFactor, area.column + area.columns - firstColumn),
                 area.rowFactor, area.columnFactor};
    }
    return tile.cells[static_cast<std::size_t>(i * area.cellColumns() + j)];
}

/// A row or column as people know it.
QString nameOf(const std::vector<QString>& names, std::int64_t index) {
    return names.empty() ? QString::number(index) : names[static_cast<std::size_t>(index)];
}

} // namespace

MatrixTile reducedTile(std::span<const float> matrix, std::int64_t columns, const TileRequest& request) {
    MatrixTile tile{request, {}};
    tile.cells.assign(static_cast<std::size_t>(request.cellRows() * request.cellColumns()), 0.0F);
    for (std::int64_t row = 0; row < request.rows; ++row)
        for (std::int64_t column = 0; column < request.columns; ++column) {
            const float value =
                matrix[static_cast<std::size_t>((request.row + row) * columns + request.column + column)];
            float& cell = tile.cells[static_cast<std::size_t>(row / request.rowFactor * request.cellColumns() +
                                                              column / request.columnFactor)];
            if (!(std::abs(value) <= std::abs(cell)) && !std::isnan(cell)) cell = value;
        }
    return tile;
}

Heatmap::Heatmap(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    connect(&context, &ViewContext::themeChanged, this, [this] { compose(); });
}

QRectF Heatmap::fullView() const {
    return {0, 0, static_cast<double>(m_info.columns), static_cast<double>(m_info.rows)};
}

void Heatmap::setMatrix(HeatmapInfo info) {
    const bool sameShape = info.rows == m_info.rows && info.columns == m_info.columns;
    m_info = std::move(info);
    setAccessibleName(m_info.valueTitle);
    if (!sameShape) {
        m_view = fullView();
        m_overview.reset();
        m_detail.reset();
    }
    compose();
    requestTile();
}

void Heatmap::setTile(MatrixTile tile) {
    if (tile.cells.size() != static_cast<std::size_t>(tile.area.cellRows() * tile.area.cellColumns())) return;
    if (covers(tile.area, m_info)) {
        m_overview = std::move(tile);
        m_detail.reset();
    } else {
        m_detail = std::move(tile);
    }
    compose();
}

void Heatmap::setSelected(std::int64_t row, std::int64_t column) {
    m_selectedRow = row;
    m_selectedColumn = column;
    update();
}

void Heatmap::setReadout(std::function<QString(const TileRequest&, std::optional<float>)> readout) {
    m_readout = std::move(readout);
}

void Heatmap::setView(const QRectF& view) {
    const QRectF full = fullView();
    QRectF clamped = view;
    clamped.setWidth(std::clamp(view.width(), std::min(kFewestCells, full.width()), full.width()));
    clamped.setHeight(std::clamp(view.height(), std::min(kFewestCells, full.height()), full.height()));
    clamped.moveLeft(std::clamp(clamped.left(), 0.0, full.width() - clamped.width()));
    clamped.moveTop(std::clamp(clamped.top(), 0.0, full.height() - clamped.height()));
    if (clamped == m_view) return;
    m_view = clamped;
    compose();
    requestTile();
}

void Heatmap::requestTile() {
    const QRectF rect = matrixRect();
    if (m_info.rows <= 0 || m_info.columns <= 0 || rect.width() < 1 || rect.height() < 1) return;
    const double scale = devicePixelRatioF();
    TileRequest request;
    request.rowFactor = factorFor(m_view.height() / (rect.height() * scale));
    request.columnFactor = factorFor(m_view.width() / (rect.width() * scale));
    const auto cut = [](double from, double length, std::int64_t factor, std::int64_t end, std::int64_t& first,
                        std::int64_t& count) {
        first = static_cast<std::int64_t>(std::floor(from)) / factor * factor;
        auto last = static_cast<std::int64_t>(std::ceil(from + length));
        last = std::min(end, (last + factor - 1) / factor * factor);
        count = last - first;
    };
    cut(m_view.top(), m_view.height(), request.rowFactor, m_info.rows, request.row, request.rows);
    cut(m_view.left(), m_view.width(), request.columnFactor, m_info.columns, request.column, request.columns);
    emit tileWanted(request);
}

std::optional<float> Heatmap::valueAt(std::int64_t row, std::int64_t column, TileRequest* cell) const {
    if (m_detail)
        if (const auto value = cellOf(*m_detail, row, column, cell)) return value;
    if (m_overview) return cellOf(*m_overview, row, column, cell);
    return std::nullopt;
}

QPointF Heatmap::toPixel(std::int64_t row, std::int64_t column) const {
    const QRectF rect = matrixRect();
    return {rect.left() + (static_cast<double>(column) + 0.5 - m_view.left()) / m_view.width() * rect.width(),
            rect.top() + (static_cast<double>(row) + 0.5 - m_view.top()) / m_view.height() * rect.height()};
}

QPointF Heatmap::toMatrix(QPointF pixel) const {
    const QRectF rect = matrixRect();
    return {m_view.left() + (pixel.x() - rect.left()) / rect.width() * m_view.width(),
            m_view.top() + (pixel.y() - rect.top()) / rect.height() * m_view.height()};
}

QString Heatmap::readoutAt(QPointF pixel) const {
    const QPointF at = toMatrix(pixel);
    const auto row = static_cast<std::int64_t>(std::floor(at.y())),
               column = static_cast<std::int64_t>(std::floor(at.x()));
    TileRequest cell{row, 1, column, 1, 1, 1};
    const auto value = valueAt(row, column, &cell);
    if (m_readout) return m_readout(cell, value);
    QString text = tr("Row %1, column %2").arg(formatInteger(cell.row), formatInteger(cell.column));
    if (value) text += QLatin1Char('\n') + formatNumber(static_cast<double>(*value));
    return text;
}

QString Heatmap::asCsv() const {
    const auto& tile = m_detail ? m_detail : m_overview;
    QString text = QStringLiteral("row,column,value\n");
    if (!tile) return text;
    const TileRequest& area = tile->area;
    for (std::int64_t i = 0; i < area.cellRows(); ++i)
        for (std::int64_t j = 0; j < area.cellColumns(); ++j)
            text += QStringLiteral("%1,%2,%3\n")
                        .arg(nameOf(m_info.rowNames, area.row + i * area.rowFactor),
                             nameOf(m_info.columnNames, area.column + j * area.columnFactor))
                        .arg(static_cast<double>(tile->cells[static_cast<std::size_t>(i * area.cellColumns() + j)]), 0,
                             'g', 9);
    return text;
}

void Heatmap::resizeEvent(QResizeEvent*) {
    compose();
    requestTile();
}

void Heatmap::mousePressEvent(QMouseEvent* event) {
    m_panning = event->button() == Qt::MiddleButton ||
                (event->button() == Qt::LeftButton && event->modifiers().testFlag(Qt::ShiftModifier));
    if (event->button() != Qt::LeftButton && !m_panning) return;
    m_pressed = event->position();
    m_pressedView = m_view;
}

void Heatmap::mouseMoveEvent(QMouseEvent* event) {
    const QRectF rect = matrixRect();
    m_hover = rect.contains(event->position()) ? std::optional(event->position()) : std::nullopt;
    if (m_pressed) {
        const QPointF moved = event->position() - *m_pressed;
        if (m_panning)
            setView(m_pressedView.translated(-moved.x() / rect.width() * m_view.width(),
                                             -moved.y() / rect.height() * m_view.height()));
        else if (moved.manhattanLength() > kDragThreshold)
            m_rubber = QRectF(*m_pressed, event->position()).normalized().intersected(rect);
    }
    update();
}

void Heatmap::mouseReleaseEvent(QMouseEvent* event) {
    if (!m_pressed) return;
    m_pressed.reset();
    const QRectF rect = matrixRect();
    if (std::exchange(m_panning, false)) return;
    if (!m_rubber.isNull()) {
        const QRectF rubber = std::exchange(m_rubber, {});
        if (rubber.width() > kDragThreshold && rubber.height() > kDragThreshold)
            setView(QRectF(toMatrix(rubber.topLeft()), toMatrix(rubber.bottomRight())));
        update();
        return;
    }
    const QPointF pixel = event->position();
    const QPointF at = toMatrix(pixel);
    const bool inRows = pixel.y() >= rect.top() && pixel.y() < rect.bottom(),
               inColumns = pixel.x() >= rect.left() && pixel.x() < rect.right();
    if (!inRows && !inColumns) return;
    // A cell drawn for several values stands for its extreme one; its corner is what can be known here.
    emit clicked(inRows ? std::clamp<qint64>(static_cast<qint64>(std::floor(at.y())), 0, m_info.rows - 1) : -1,
                 inColumns ? std::clamp<qint64>(static_cast<qint64>(std::floor(at.x())), 0, m_info.columns - 1) : -1);
}

void Heatmap::mouseDoubleClickEvent(QMouseEvent*) { setView(fullView()); }

void Heatmap::wheelEvent(QWheelEvent* event) {
    const double factor = std::pow(0.8, event->angleDelta().y() / 120.0);
    const QPointF at = toMatrix(event->position());
    setView({at.x() - (at.x() - m_view.left()) * factor, at.y() - (at.y() - m_view.top()) * factor,
             m_view.width() * factor, m_view.height() * factor});
    event->accept();
}

void Heatmap::leaveEvent(QEvent*) {
    m_hover.reset();
    update();
}

void Heatmap::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    if (matrixRect().contains(event->pos())) {
        const QPointF at = toMatrix(event->pos());
        const auto row = static_cast<std::int64_t>(std::floor(at.y())),
                   column = static_cast<std::int64_t>(std::floor(at.x()));
        if (const auto value = valueAt(row, column))
            menu.addAction(tr("Copy value"), this, [value] {
                QGuiApplication::clipboard()->setText(QString::number(static_cast<double>(*value), 'g', 9));
            });
    }
    addChartActions(
        menu, *this, m_context, [this] { return asCsv(); },
        m_info.valueTitle.isEmpty() ? tr("heatmap") : m_info.valueTitle);
    menu.exec(event->globalPos());
}

void Heatmap::keyPressEvent(QKeyEvent* event) {
    const QRectF rect = matrixRect();
    if (rect.isEmpty() || m_view.isEmpty()) return QWidget::keyPressEvent(event);
    constexpr double kLeastStep = 4; // pixels: cells smaller than this are passed several at a time
    const double across = std::max(rect.width() / m_view.width(), kLeastStep);
    const double down = std::max(rect.height() / m_view.height(), kLeastStep);
    QPointF at = m_hover.value_or(
        toPixel(std::max<std::int64_t>(m_selectedRow, 0), std::max<std::int64_t>(m_selectedColumn, 0)));
    const auto zoom = [&](double factor) {
        const QPointF about = toMatrix(at);
        setView({about.x() - (about.x() - m_view.left()) * factor, about.y() - (about.y() - m_view.top()) * factor,
                 m_view.width() * factor, m_view.height() * factor});
    };
    switch (event->key()) {
    case Qt::Key_Left: at.rx() -= across; break;
    case Qt::Key_Right: at.rx() += across; break;
    case Qt::Key_Up: at.ry() -= down; break;
    case Qt::Key_Down: at.ry() += down; break;
    case Qt::Key_Plus:
    case Qt::Key_Equal: return zoom(0.8);
    case Qt::Key_Minus: return zoom(1.25);
    case Qt::Key_Home: return setView(fullView());
    case Qt::Key_Return:
    case Qt::Key_Enter: {
        const QPointF cell = toMatrix(at);
        emit clicked(std::clamp<qint64>(static_cast<qint64>(std::floor(cell.y())), 0, m_info.rows - 1),
                     std::clamp<qint64>(static_cast<qint64>(std::floor(cell.x())), 0, m_info.columns - 1));
        return;
    }
    default: return QWidget::keyPressEvent(event);
    }
    m_hover =
        QPointF(std::clamp(at.x(), rect.left(), rect.right() - 1), std::clamp(at.y(), rect.top(), rect.bottom() - 1));
    update();
}

QSize Heatmap::minimumSizeHint() const { return {280, 200}; }
QSize Heatmap::sizeHint() const { return {560, 420}; }

} // namespace qscope
