// SPDX-License-Identifier: GPL-3.0-or-later
// The board under mouse and keyboard.
#include "plugins/view_comparison/column_board.h"

#include "plugins/sdk/widgets/chart_export.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kDragThreshold = 6;
constexpr double kDeepestZoom = 1e-4; // of the full range

/// What lies within the full range; nothing when it is all of it.
std::optional<Range> clamped(const Range& full, Range wanted) {
    const double length = std::max(wanted.length(), full.length() * kDeepestZoom);
    if (length >= full.length()) return std::nullopt;
    const double low = std::clamp(wanted.low, full.low, full.high - length);
    return Range{low, low + length};
}

} // namespace

std::optional<std::size_t> ColumnBoard::columnAt(QPointF pixel) const {
    if (pixel.x() < kGutter) return std::nullopt;
    const auto [first, last] = visibleColumns();
    for (std::size_t i = first; i < last; ++i)
        if (headRect(i).left() <= pixel.x() && pixel.x() < headRect(i).right()) return i;
    return std::nullopt;
}

PlotFrame ColumnBoard::frameOf(std::size_t column, BoardRow row) const {
    const bool isModel = m_columns[column].tensor < 0;
    const auto& y = m_fullY[static_cast<std::size_t>(row)];
    return {chartRect(column, row), rowAxisX(row), rowAxisY(row), viewX(row, isModel), y.value_or(Range{0.1, 1})};
}

std::optional<ColumnBoard::Hover> ColumnBoard::placeAt(QPointF pixel) const {
    const auto column = columnAt(pixel);
    if (!column || pixel.y() < kHead) return std::nullopt;
    for (const BoardRow row : shownRows()) {
        const QRectF chart = chartRect(*column, row);
        if (!chart.contains(pixel)) continue;
        if (row == BoardRow::Map)
            return Hover{
                *column, row, {(pixel.x() - chart.left()) / chart.width(), (pixel.y() - chart.top()) / chart.height()}};
        return Hover{*column, row, frameOf(*column, row).toValue(pixel)};
    }
    return std::nullopt;
}

void ColumnBoard::setHover(std::optional<Hover> hover) {
    if (!hover && !m_hover) return;
    m_hover = hover;
    viewport()->update();
}

void ColumnBoard::zoom(BoardRow row, bool isModel, std::optional<Range> view) {
    const auto place = static_cast<std::size_t>(row);
    m_viewX[place][isModel] = view && m_fullX[place][isModel] ? clamped(*m_fullX[place][isModel], *view) : std::nullopt;
    viewport()->update();
}

void ColumnBoard::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) m_pressed = event->position();
}

void ColumnBoard::mouseMoveEvent(QMouseEvent* event) {
    const QPointF pixel = event->position();
    setHover(placeAt(pixel));
    if (!m_pressed || !(event->buttons() & Qt::LeftButton) || std::abs(pixel.x() - m_pressed->x()) < kDragThreshold)
        return;
    const auto column = columnAt(*m_pressed);
    if (!column) return;
    if (m_pressed->y() < kHead) {
        if (m_columns[*column].pin < 0) return;
        const auto pins = static_cast<int>(
            std::count_if(m_columns.begin(), m_columns.end(), [](const auto& c) { return c.pin >= 0; }));
        const double place = (pixel.x() - kGutter + horizontalScrollBar()->value()) / columnWidth();
        m_dragTo = std::clamp(static_cast<int>(std::lround(place)), 0, pins);
    } else if (const auto start = placeAt(*m_pressed); start && start->row != BoardRow::Map) {
        const QRectF chart = chartRect(*column, start->row);
        m_rubberX = std::clamp(pixel.x(), chart.left(), chart.right());
    }
    viewport()->update();
}

void ColumnBoard::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_pressed) return;
    const QPointF pressed = *std::exchange(m_pressed, std::nullopt);
    const auto rubber = std::exchange(m_rubberX, std::nullopt);
    const auto drag = std::exchange(m_dragTo, std::nullopt);
    const auto column = columnAt(pressed);
    viewport()->update();
    if (!column) return;
    if (drag) {
        const int from = m_columns[*column].pin;
        if (*drag != from && *drag != from + 1) emit moved(from, *drag);
        return;
    }
    if (rubber) {
        const auto start = placeAt(pressed);
        if (!start) return;
        const PlotFrame frame = frameOf(*column, start->row);
        const double a = start->at.x(), b = frame.toValue({*rubber, pressed.y()}).x();
        zoom(start->row, m_columns[*column].tensor < 0, Range{std::min(a, b), std::max(a, b)});
        return;
    }
    clickOn(event->position());
}

void ColumnBoard::clickOn(QPointF pixel) {
    const auto index = columnAt(pixel);
    if (!index) return;
    const BoardColumn column = m_columns[*index];
    if (pinRect(*index).adjusted(-3, -3, 3, 3).contains(pixel)) return emit pinToggled(column);
    m_selected = static_cast<int>(*index);
    viewport()->update();
    emit chosen(column);
    const auto place = placeAt(pixel);
    const ColumnData shown = dataOf(column);
    if (!place || !shown.picture) return;
    const ColumnPicture& picture = *shown.picture;
    if (place->row == BoardRow::Map && !shown.isModel) {
        const auto row = static_cast<qint64>(place->at.y() * static_cast<double>(picture.rows));
        const auto matrixColumn = static_cast<qint64>(place->at.x() * static_cast<double>(picture.columns));
        emit placeChosen(column, column.tensor, std::min<qint64>(row, picture.rows - 1),
                         std::min<qint64>(matrixColumn, picture.columns - 1));
    } else if (place->row == BoardRow::Channels) {
        const auto channel = static_cast<qint64>(std::llround(place->at.x()));
        if (channel < 0 || channel >= static_cast<qint64>(picture.channels.size())) return;
        if (shown.isModel)
            emit placeChosen(column, picture.tensors[static_cast<std::size_t>(channel)], -1, -1);
        else
            emit placeChosen(column, column.tensor, -1, channel);
    }
}

void ColumnBoard::mouseDoubleClickEvent(QMouseEvent* event) {
    const auto column = columnAt(event->position());
    if (!column) return;
    if (const auto place = placeAt(event->position()))
        zoom(place->row, m_columns[*column].tensor < 0, std::nullopt);
    else if (event->position().y() < kHead)
        emit activated(m_columns[*column]);
}

void ColumnBoard::wheelEvent(QWheelEvent* event) {
    const auto place = placeAt(event->position());
    const bool scrolls =
        !place || place->row == BoardRow::Map || event->modifiers() & Qt::ShiftModifier || event->angleDelta().x() != 0;
    if (!scrolls) {
        const bool isModel = m_columns[place->column].tensor < 0;
        const Range now = viewX(place->row, isModel);
        const double factor = std::pow(0.8, event->angleDelta().y() / 120.0);
        zoom(place->row, isModel,
             Range{place->at.x() - (place->at.x() - now.low) * factor,
                   place->at.x() + (now.high - place->at.x()) * factor});
    } else {
        // Over heads and axes the wheel goes through the columns; with charts out of sight below, over maps up and
        // down.
        const int turn = event->angleDelta().x() != 0 ? event->angleDelta().x() : event->angleDelta().y();
        const bool isMap = place && place->row == BoardRow::Map && !(event->modifiers() & Qt::ShiftModifier) &&
                           event->angleDelta().x() == 0;
        auto* bar = isMap ? verticalScrollBar() : horizontalScrollBar();
        bar->setValue(bar->value() - turn * bar->singleStep() / 120);
    }
    event->accept();
}

void ColumnBoard::keyPressEvent(QKeyEvent* event) {
    const auto count = static_cast<int>(m_columns.size());
    const int step = (event->key() == Qt::Key_Right) - (event->key() == Qt::Key_Left);
    if (count == 0) return QAbstractScrollArea::keyPressEvent(event);
    if (m_selected >= 0 && m_selected < count) {
        const BoardColumn column = m_columns[static_cast<std::size_t>(m_selected)];
        if (step != 0 && event->modifiers() & Qt::ShiftModifier) {
            if (column.pin >= 0) emit moved(column.pin, step > 0 ? column.pin + 2 : column.pin - 1);
            return;
        }
        if (event->key() == Qt::Key_P) return emit pinToggled(column);
        if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) return emit activated(column);
    }
    int wanted = m_selected;
    if (step != 0)
        wanted = m_selected + step;
    else if (event->key() == Qt::Key_Home)
        wanted = 0;
    else if (event->key() == Qt::Key_End)
        wanted = count - 1;
    else
        return QAbstractScrollArea::keyPressEvent(event);
    m_selected = std::clamp(wanted, 0, count - 1);
    showColumn(static_cast<std::size_t>(m_selected));
    viewport()->update();
    emit chosen(m_columns[static_cast<std::size_t>(m_selected)]);
}

bool ColumnBoard::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::Leave) setHover(std::nullopt);
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const auto index = columnAt(help->pos());
        QString text;
        if (index && help->pos().y() < kHead) {
            const BoardColumn& column = m_columns[*index];
            if (pinRect(*index).contains(help->pos()))
                text = column.pin >= 0 ? tr("Unpin: let the next run replace it (P)")
                                       : tr("Pin: keep it through new runs (P)");
            else if (m_report && column.method >= 0)
                text = QStringLiteral("%1\n%2\n%3")
                           .arg(column.label, column.tensorName.isEmpty() ? tr("The whole model") : column.tensorName,
                                summaryOf(m_report->methods[static_cast<std::size_t>(column.method)], column.scope()));
        }
        QToolTip::showText(help->globalPos(), text, viewport());
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

QString ColumnBoard::asCsv() const {
    QString text = QStringLiteral("column,tensor\n");
    for (const BoardColumn& column : m_columns) {
        const ColumnData shown = dataOf(column);
        if (!shown.picture && !shown.propagation) continue;
        text += QStringLiteral("\"%1\",\"%2\"\n").arg(column.label, column.tensorName);
        for (const BoardRow row : shownRows())
            if (const auto layers = rowLayers(row, shown); !layers.empty())
                text += layersAsCsv(layers, rowAxisX(row), rowAxisY(row));
    }
    return text;
}

void ColumnBoard::contextMenuEvent(QContextMenuEvent* event) {
    std::optional<std::size_t> index;
    if (event->reason() == QContextMenuEvent::Keyboard) {
        if (m_selected >= 0 && m_selected < static_cast<int>(m_columns.size()))
            index = static_cast<std::size_t>(m_selected);
    } else {
        index = columnAt(event->pos());
    }
    QMenu menu(this);
    if (index) {
        const BoardColumn column = m_columns[*index];
        menu.addAction(column.pin >= 0 ? tr("Unpin") : tr("Pin"), this, [this, column] { emit pinToggled(column); });
        if (column.pin >= 0) {
            menu.addAction(tr("Move left"), this, [this, column] { emit moved(column.pin, column.pin - 1); })
                ->setEnabled(column.pin > 0);
            const bool isLast =
                std::none_of(m_columns.begin(), m_columns.end(), [&](const auto& c) { return c.pin > column.pin; });
            menu.addAction(tr("Move right"), this, [this, column] { emit moved(column.pin, column.pin + 2); })
                ->setEnabled(!isLast);
        }
        if (m_menuHook) m_menuHook(menu, column);
        menu.addSeparator();
        const auto place = placeAt(event->pos());
        if (place && m_hover) {
            const QString value = place->row == BoardRow::Map
                                      ? mapReadout(*index)
                                      : rowReadout(place->row, rowLayers(place->row, dataOf(column)), place->at.x());
            if (!value.isEmpty())
                menu.addAction(tr("Copy value"), this, [value] { QGuiApplication::clipboard()->setText(value); });
        }
    }
    addChartActions(
        menu, *viewport(), m_context, [this] { return asCsv(); }, tr("columns"));
    menu.exec(event->globalPos());
}

} // namespace qscope
