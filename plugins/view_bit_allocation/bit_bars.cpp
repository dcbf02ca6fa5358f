// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_bit_allocation/bit_bars.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kLeft = 44;
constexpr double kRight = 8;
constexpr double kTop = 12;
constexpr double kLabels = 20; ///< under the bars
constexpr double kShares = 26; ///< the lane below, its caption included
constexpr double kMostBits = 8.4;
constexpr double kLayerWidth = 22;
constexpr double kTensorWidth = 58;
constexpr double kWidest = 3; ///< times as wide, where there is room
constexpr double kDragThreshold = 3;

double leastWidth(const BitBar& bar) { return bar.isTensor ? kTensorWidth : kLayerWidth; }

} // namespace

BitBars::BitBars(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("Bits per layer and tensor"));
    connect(&context, &ViewContext::themeChanged, this, qOverload<>(&QWidget::update));
}

void BitBars::setBars(std::vector<BitBar> bars, std::vector<int> widths, int even, Ink ink) {
    m_bars = std::move(bars);
    m_before.assign(1, 0);
    m_mostShare = 0;
    for (const BitBar& bar : m_bars) {
        m_before.push_back(m_before.back() + leastWidth(bar));
        if (!bar.isOpen) m_mostShare = std::max(m_mostShare, bar.share);
    }
    m_widths = std::move(widths);
    m_even = even;
    m_ink = ink;
    m_current = std::clamp(m_current, 0, std::max(0, static_cast<int>(m_bars.size()) - 1));
    if (m_hover >= static_cast<int>(m_bars.size())) m_hover = -1;
    if (!m_bars.empty()) {
        const BitBar& bar = m_bars[static_cast<std::size_t>(m_current)];
        setAccessibleDescription(tr("%1: %2 bits").arg(bar.name, formatNumber(bar.bits)));
    }
    updateGeometry();
    update();
}

QSize BitBars::minimumSizeHint() const {
    const double bars = m_before.empty() ? 0 : m_before.back();
    return {static_cast<int>(std::ceil(kLeft + bars + kRight)), 120};
}

QRectF BitBars::chart() const {
    return {kLeft, kTop, std::max(1.0, width() - kLeft - kRight), std::max(1.0, height() - kTop - kLabels - kShares)};
}

QRectF BitBars::column(int bar) const {
    const QRectF area = chart();
    const double scale = std::clamp(area.width() / std::max(m_before.back(), 1.0), 1.0, kWidest);
    const double left = m_before[static_cast<std::size_t>(bar)], right = m_before[static_cast<std::size_t>(bar) + 1];
    return {area.left() + left * scale, area.top(), (right - left) * scale, area.height()};
}

double BitBars::yOf(double bits) const {
    const QRectF area = chart();
    return area.bottom() - area.height() * std::min(bits, kMostBits) / kMostBits;
}

QPointF BitBars::toPixel(int bar, double bits) const { return {column(bar).center().x(), yOf(bits)}; }

int BitBars::barAt(QPointF pixel) const {
    for (int i = 0; i < static_cast<int>(m_bars.size()); ++i) {
        const QRectF at = column(i);
        if (pixel.x() >= at.left() && pixel.x() < at.right()) return i;
    }
    return -1;
}

int BitBars::widthAt(double y) const {
    const QRectF area = chart();
    const double bits = (area.bottom() - y) / area.height() * kMostBits;
    return *std::ranges::min_element(m_widths, {}, [bits](int width) { return std::abs(width - bits); });
}

int BitBars::neighbour(double bits, int step) const {
    if (step > 0) {
        const auto found = std::ranges::find_if(m_widths, [bits](int width) { return width > bits + 1e-9; });
        return found == m_widths.end() ? m_widths.back() : *found;
    }
    const auto found =
        std::find_if(m_widths.rbegin(), m_widths.rend(), [bits](int width) { return width < bits - 1e-9; });
    return found == m_widths.rend() ? m_widths.front() : *found;
}

void BitBars::makeCurrent(int bar) {
    if (bar < 0 || bar >= static_cast<int>(m_bars.size())) return;
    m_current = bar;
    setAccessibleDescription(
        tr("%1: %2 bits")
            .arg(m_bars[static_cast<std::size_t>(bar)].name, formatNumber(m_bars[static_cast<std::size_t>(bar)].bits)));
    emit chosen(bar);
    update();
}

void BitBars::mousePressEvent(QMouseEvent* event) {
    const int bar = barAt(event->position());
    if (event->button() != Qt::LeftButton || bar < 0) return;
    m_pressed = event->position();
    m_dragged = chart().contains(event->position()) && !m_widths.empty() ? bar : -1;
    m_asked.reset();
    makeCurrent(bar);
}

void BitBars::mouseMoveEvent(QMouseEvent* event) {
    m_hover = barAt(event->position());
    if (m_dragged >= 0 && (m_asked || std::abs(event->position().y() - m_pressed.y()) > kDragThreshold)) {
        const int bits = widthAt(event->position().y());
        if (m_asked != bits) {
            m_asked = bits;
            emit previewed(m_dragged, bits);
        }
    }
    const bool onBar = m_hover >= 0 && !m_widths.empty() && chart().contains(event->position());
    setCursor(onBar ? Qt::SizeVerCursor : Qt::ArrowCursor);
    update();
}

void BitBars::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    const int bar = std::exchange(m_dragged, -1);
    if (const auto asked = std::exchange(m_asked, std::nullopt); asked && bar >= 0) emit committed(bar, *asked);
}

void BitBars::mouseDoubleClickEvent(QMouseEvent* event) {
    const int bar = barAt(event->position());
    if (bar >= 0 && event->button() == Qt::LeftButton) emit opened(bar);
}

void BitBars::leaveEvent(QEvent*) {
    m_hover = -1;
    update();
}

void BitBars::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape && m_asked) {
        m_dragged = -1;
        m_asked.reset();
        emit dragCancelled();
        return;
    }
    if (m_bars.empty() || m_dragged >= 0 || event->modifiers() & ~Qt::KeypadModifier)
        return QWidget::keyPressEvent(event);
    const double bits = m_bars[static_cast<std::size_t>(m_current)].bits;
    const int digit = event->key() - Qt::Key_0;
    switch (event->key()) {
    case Qt::Key_Left: return makeCurrent(m_current - 1);
    case Qt::Key_Right: return makeCurrent(m_current + 1);
    case Qt::Key_Home: return makeCurrent(0);
    case Qt::Key_End: return makeCurrent(static_cast<int>(m_bars.size()) - 1);
    case Qt::Key_Up:
    case Qt::Key_Down:
        if (!m_widths.empty()) emit committed(m_current, neighbour(bits, event->key() == Qt::Key_Up ? 1 : -1));
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space: return emit opened(m_current);
    default: break;
    }
    if (std::ranges::find(m_widths, digit) != m_widths.end()) return emit committed(m_current, digit);
    QWidget::keyPressEvent(event);
}

void BitBars::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    addChartActions(
        *menu, *this, m_context, [this] { return asCsv(); }, QStringLiteral("bit_allocation"));
    menu->popup(event->globalPos());
}

QString BitBars::asCsv() const {
    QString text = QStringLiteral("name,bits,share\n");
    for (const BitBar& bar : m_bars)
        text += QStringLiteral("\"%1\",%2,%3\n")
                    .arg(QString(bar.name).replace(QLatin1Char('"'), QStringLiteral("\"\"")),
                         QString::number(bar.bits, 'g', 17),
                         bar.share < 0 ? QString() : QString::number(bar.share, 'g', 17));
    return text;
}

void BitBars::paintScale(QPainter& painter) const {
    const Theme& theme = m_context.theme();
    const QRectF area = chart();
    painter.setFont(Theme::ticks());
    for (int bits = 0; bits <= 8; bits += 2) {
        const double y = yOf(bits);
        painter.setPen(QPen(theme.color(Role::Faint), 0, bits == 0 ? Qt::SolidLine : Qt::DotLine));
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(16, y - 8, kLeft - 22, 16), Qt::AlignRight | Qt::AlignVCenter, QString::number(bits));
    }
    painter.setFont(Theme::caption());
    painter.save();
    painter.translate(2, area.center().y());
    painter.rotate(-90);
    painter.drawText(QRectF(-area.height() / 2, 0, area.height(), 16), Qt::AlignCenter, tr("Bits"));
    painter.restore();
    const double lane = height() - kShares;
    painter.drawText(QRectF(0, lane, kLeft - 6, kShares - 4), Qt::AlignRight | Qt::AlignBottom, tr("Loss"));
}

void BitBars::paintBar(QPainter& painter, int index) const {
    const Theme& theme = m_context.theme();
    const BitBar& bar = m_bars[static_cast<std::size_t>(index)];
    const QRectF place = column(index);
    const QRectF shape(place.left() + 3, yOf(bar.bits), place.width() - 6, chart().bottom() - yOf(bar.bits));
    if (bar.isOpen || bar.isTensor)
        painter.fillRect(QRectF(place.left(), kTop, place.width(), height() - kTop), theme.color(Role::Sunken));
    QColor fill = bar.isFixed ? theme.color(Role::Muted) : m_ink.color(theme);
    if (bar.isOpen) fill.setAlphaF(0.4F); // its tensors are the bars that count
    painter.fillRect(shape, bar.isFixed ? QBrush(fill, Qt::BDiagPattern) : QBrush(fill));
    if (bar.isFixed) {
        painter.setPen(QPen(fill, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(shape);
    }
    if (bar.isSelected || (hasFocus() && index == m_current)) {
        painter.setPen(QPen(theme.color(Role::Accent), bar.isSelected ? 2 : 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(shape.adjusted(-1.5, -1.5, 1.5, 1));
    }
    painter.setFont(Theme::ticks());
    painter.setPen(theme.color(Role::Muted));
    const QFontMetricsF metrics(painter.font());
    if (shape.top() - kTop > 12 && place.width() > 26)
        painter.drawText(QRectF(place.left(), shape.top() - 15, place.width(), 14), Qt::AlignCenter,
                         formatNumber(bar.bits, 2));
    painter.setPen(theme.color(Role::Text));
    painter.drawText(QRectF(place.left(), chart().bottom() + 2, place.width(), kLabels - 4), Qt::AlignCenter,
                     metrics.elidedText(bar.label, Qt::ElideMiddle, place.width() - 2));
    if (bar.share > 0 && !bar.isOpen) { // the lane's full height is the largest bar's share
        const double size = std::max(1.0, (kShares - 6) * bar.share / m_mostShare);
        painter.fillRect(QRectF(shape.left(), height() - 2 - size, shape.width(), size), theme.color(Role::Muted));
    }
}

void BitBars::paintEvent(QPaintEvent*) {
    const Theme& theme = m_context.theme();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    for (int i = 0; i < static_cast<int>(m_bars.size()); ++i) paintBar(painter, i);
    paintScale(painter);
    const double even = yOf(m_even);
    painter.setPen(QPen(theme.color(Role::Text), 1, Qt::DashLine));
    if (m_even > 0) painter.drawLine(QPointF(kLeft, even), QPointF(width() - kRight, even));
    if (m_hover < 0) return;
    const BitBar& bar = m_bars[static_cast<std::size_t>(m_hover)];
    QStringList lines{bar.name, tr("%1 bits").arg(formatNumber(bar.bits))};
    if (bar.share >= 0) lines << tr("%1 % of the predicted loss").arg(100 * bar.share, 0, 'f', 1);
    if (!bar.details.isEmpty()) lines << bar.details;
    paintReadoutBox(painter, rect(), toPixel(m_hover, bar.bits) + QPointF(8, 8), lines.join(QLatin1Char('\n')), theme);
}

} // namespace qscope
