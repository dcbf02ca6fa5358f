// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/sweep_map.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kPad = 8;
constexpr double kWidestCell = 132, kHighestCell = 72; // beyond this, a cell says no more
constexpr double kScaleWidth = 12;
constexpr double kScaleRoom = 92; // of the colour bar with its numbers

double widest(const QStringList& names, const QFontMetricsF& metrics) {
    double width = 0;
    for (const QString& name : names) width = std::max(width, metrics.horizontalAdvance(name));
    return width;
}

/// Black or white, whichever stands out more from a ground (relative luminance, WCAG 2).
QColor readableOn(const QColor& ground) {
    const auto linear = [](double part) {
        return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
    };
    const double luminance =
        0.2126 * linear(ground.redF()) + 0.7152 * linear(ground.greenF()) + 0.0722 * linear(ground.blueF());
    return luminance > 0.179 ? Qt::black : Qt::white;
}

} // namespace

SweepMap::SweepMap(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_figure(&figure("sqnr_db")) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("Map of a sweep"));
    connect(&context, &ViewContext::themeChanged, this, qOverload<>(&QWidget::update));
}

void SweepMap::setPivot(SweepPivot pivot, const Figure& figure, const QString& columnTitle, const QString& rowTitle) {
    m_pivot = std::move(pivot);
    m_figure = &figure;
    m_columnTitle = columnTitle;
    m_rowTitle = rowTitle;
    m_hover = {};
    bool any = false;
    const int better = betterWay(figure);
    for (const SweepPivot::Cell& cell : m_pivot.cells) {
        if (cell.method < 0 || !std::isfinite(cell.value)) continue;
        if (!any) m_worst = m_best = cell.value;
        any = true;
        if (cell.value * better > m_best * better) m_best = cell.value;
        if (cell.value * better < m_worst * better) m_worst = cell.value;
    }
    update();
}

void SweepMap::setSelected(int method) {
    m_selected = method;
    update();
}

QRectF SweepMap::area() const {
    const QFontMetricsF names(Theme::ticks()), titles(Theme::caption());
    const double left = kPad + (m_rowTitle.isEmpty() ? 0 : titles.height() + 4) + widest(m_pivot.rows, names) + kPad;
    const double top = kPad + titles.height() + 4 + names.height() + 4;
    const auto columns = static_cast<double>(std::max<qsizetype>(1, m_pivot.columns.size()));
    const auto rows = static_cast<double>(std::max<qsizetype>(1, m_pivot.rows.size()));
    return {left, top, std::min(std::max(40.0, width() - left - kScaleRoom - kPad), columns * kWidestCell),
            std::min(std::max(40.0, height() - top - kPad), rows * kHighestCell)};
}

QRectF SweepMap::cellRect(qsizetype row, qsizetype column) const {
    const QRectF all = area();
    const double w = all.width() / static_cast<double>(m_pivot.columns.size());
    const double h = all.height() / static_cast<double>(m_pivot.rows.size());
    return QRectF(all.left() + static_cast<double>(column) * w, all.top() + static_cast<double>(row) * h, w, h)
        .adjusted(1, 1, -1, -1);
}

QPoint SweepMap::cellCentre(qsizetype row, qsizetype column) const { return cellRect(row, column).center().toPoint(); }

SweepMap::Place SweepMap::placeAt(QPointF pixel) const {
    const QRectF all = area();
    if (m_pivot.cells.empty() || !all.contains(pixel)) return {};
    const auto column =
        static_cast<qsizetype>((pixel.x() - all.left()) / all.width() * static_cast<double>(m_pivot.columns.size()));
    const auto row =
        static_cast<qsizetype>((pixel.y() - all.top()) / all.height() * static_cast<double>(m_pivot.rows.size()));
    return {std::min(row, m_pivot.rows.size() - 1), std::min(column, m_pivot.columns.size() - 1)};
}

SweepMap::Place SweepMap::placeOf(int method) const {
    for (qsizetype row = 0; row < m_pivot.rows.size(); ++row)
        for (qsizetype column = 0; column < m_pivot.columns.size(); ++column)
            if (method >= 0 && m_pivot.at(row, column).method == method) return {row, column};
    return {};
}

double SweepMap::goodness(double value) const {
    const bool isLog = m_figure->isLog && m_best > 0 && m_worst > 0;
    const auto measure = [isLog](double v) { return isLog ? std::log(v) : v; };
    if (!std::isfinite(value)) return betterWay(*m_figure) > 0 ? 1 : 0; // an exact result's SQNR
    if (m_best == m_worst) return 1;
    return std::clamp((measure(value) - measure(m_worst)) / (measure(m_best) - measure(m_worst)), 0.0, 1.0);
}

void SweepMap::paintCells(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const auto map = colorMap(QStringLiteral("viridis"));
    QFont figures = Theme::ticks();
    for (qsizetype row = 0; row < m_pivot.rows.size(); ++row)
        for (qsizetype column = 0; column < m_pivot.columns.size(); ++column) {
            const SweepPivot::Cell& cell = m_pivot.at(row, column);
            const QRectF rect = cellRect(row, column);
            if (cell.method < 0) {
                painter.setPen(QPen(theme.color(Role::Faint), 1, Qt::DotLine));
                painter.setBrush(Qt::NoBrush);
                painter.drawRect(rect);
                continue;
            }
            const QColor ground(map[static_cast<std::size_t>(std::lround(goodness(cell.value) * 255))]);
            painter.fillRect(rect, ground);
            const bool isBest = cell.value == m_best;
            figures.setBold(isBest);
            const QString number = (isBest ? QStringLiteral("★ ") : QString()) + textOf(*m_figure, cell.value);
            painter.setFont(figures);
            painter.setPen(readableOn(ground));
            const QFontMetricsF metrics(figures);
            if (metrics.horizontalAdvance(number) < rect.width() - 4 && metrics.height() < rect.height())
                painter.drawText(rect, Qt::AlignCenter, number);
            else if (isBest)
                painter.drawText(rect, Qt::AlignCenter, QStringLiteral("★"));
        }
    const auto frame = [&](Place place, const QColor& color, double width) {
        if (place.row < 0) return;
        painter.setPen(QPen(color, width));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(cellRect(place.row, place.column).adjusted(-0.5, -0.5, 0.5, 0.5));
    };
    frame(m_hover, theme.color(Role::Text), 1);
    frame(placeOf(m_selected), theme.color(Role::Accent), 3);
}

void SweepMap::paintNames(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF all = area();
    const QFontMetricsF names(Theme::ticks()), titles(Theme::caption());
    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    painter.drawText(QRectF(all.left(), kPad, all.width(), titles.height()), Qt::AlignLeft, m_columnTitle);
    painter.save();
    painter.translate(kPad, all.bottom());
    painter.rotate(-90);
    painter.drawText(QRectF(0, 0, all.height(), titles.height()), Qt::AlignLeft, m_rowTitle);
    painter.restore();
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Text));
    for (qsizetype column = 0; column < m_pivot.columns.size(); ++column) {
        const QRectF cell = cellRect(0, column);
        painter.drawText(QRectF(cell.left(), all.top() - names.height() - 3, cell.width(), names.height()),
                         Qt::AlignCenter, names.elidedText(m_pivot.columns[column], Qt::ElideRight, cell.width()));
    }
    for (qsizetype row = 0; row < m_pivot.rows.size(); ++row) {
        const QRectF cell = cellRect(row, 0);
        if (cell.height() < names.height() * 0.8 && row % 2 == 1) continue;
        painter.drawText(QRectF(0, cell.top(), all.left() - kPad / 2 - 2, cell.height()),
                         Qt::AlignRight | Qt::AlignVCenter, m_pivot.rows[row]);
    }
}

void SweepMap::paintScale(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF all = area();
    const auto map = colorMap(QStringLiteral("viridis"));
    const QRectF bar(all.right() + 2 * kPad, all.top(), kScaleWidth, all.height());
    QLinearGradient gradient(bar.bottomLeft(), bar.topLeft());
    for (int i = 0; i <= 16; ++i) gradient.setColorAt(i / 16.0, QColor(map[static_cast<std::size_t>(i * 255 / 16)]));
    painter.fillRect(bar, gradient);
    const QFontMetricsF metrics(Theme::ticks());
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Muted));
    const auto write = [&](double y, const QString& words) {
        painter.drawText(QRectF(bar.right() + 4, y, kScaleRoom - kScaleWidth - kPad, metrics.height()), Qt::AlignLeft,
                         words);
    };
    write(bar.top(), textOf(*m_figure, m_best));
    write(bar.top() + metrics.height(), tr("best"));
    if (m_best != m_worst) write(bar.bottom() - metrics.height(), textOf(*m_figure, m_worst));
}

void SweepMap::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_context.theme().color(Role::Surface));
    if (m_pivot.cells.empty()) return;
    paintCells(painter);
    paintNames(painter);
    paintScale(painter);
}

void SweepMap::hover(Place place) {
    if (place == m_hover) return;
    m_hover = place;
    const SweepPivot::Cell cell = place.row < 0 ? SweepPivot::Cell{} : m_pivot.at(place.row, place.column);
    emit hovered(cell.method, cell.candidates);
    update();
}

void SweepMap::mouseMoveEvent(QMouseEvent* event) { hover(placeAt(event->position())); }
void SweepMap::leaveEvent(QEvent*) { hover({}); }

void SweepMap::mouseReleaseEvent(QMouseEvent* event) {
    const Place place = placeAt(event->position());
    if (event->button() == Qt::LeftButton && place.row >= 0 && m_pivot.at(place.row, place.column).method >= 0)
        emit chosen(m_pivot.at(place.row, place.column).method);
}

void SweepMap::keyPressEvent(QKeyEvent* event) {
    const int right = (event->key() == Qt::Key_Right) - (event->key() == Qt::Key_Left);
    const int down = (event->key() == Qt::Key_Down) - (event->key() == Qt::Key_Up);
    Place place = placeOf(m_selected);
    if ((right == 0 && down == 0) || m_pivot.cells.empty()) return QWidget::keyPressEvent(event);
    if (place.row < 0) place = {0, 0};
    // Empty cells are stepped over.
    for (Place next = place;;) {
        next = {next.row + down, next.column + right};
        if (next.row < 0 || next.column < 0 || next.row >= m_pivot.rows.size() || next.column >= m_pivot.columns.size())
            return;
        if (const int method = m_pivot.at(next.row, next.column).method; method >= 0) return emit chosen(method);
    }
}

QString SweepMap::asCsv() const {
    QStringList lines{QStringLiteral("%1,%2,%3").arg(m_rowTitle, m_columnTitle, titleOf(*m_figure))};
    for (qsizetype row = 0; row < m_pivot.rows.size(); ++row)
        for (qsizetype column = 0; column < m_pivot.columns.size(); ++column)
            if (const auto& cell = m_pivot.at(row, column); cell.method >= 0)
                lines << QStringLiteral("%1,%2,%3")
                             .arg(m_pivot.rows[row], m_pivot.columns[column], QString::number(cell.value, 'g', 17));
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void SweepMap::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    addChartActions(
        menu, *this, m_context, [this] { return asCsv(); }, tr("sweep"));
    menu.exec(event->globalPos());
}

} // namespace qscope
