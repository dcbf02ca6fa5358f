// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/phase_mark.h"

#include <QConicalGradient>

#include <cmath>
#include <numbers>

namespace qscope {

namespace {

QPointF onCircle(QPointF center, double radius, double radians) {
    return center + QPointF(std::cos(radians), -std::sin(radians)) * radius;
}

} // namespace

QColor phaseColor(double radians) {
    const double turns = radians / (2 * std::numbers::pi);
    const auto row = std::lround((turns - std::floor(turns)) * 256) % 256;
    return QColor::fromRgb(colorMap(QStringLiteral("phase"))[static_cast<std::size_t>(row)]);
}

void paintPhaseRing(QPainter& painter, QPointF center, double radius, double radians, const Theme& theme) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(phaseColor(radians), radius * 0.4));
    painter.drawEllipse(center, radius * 0.8, radius * 0.8);
    painter.setPen(QPen(theme.color(Role::Text), 1.25, Qt::SolidLine, Qt::RoundCap));
    painter.drawLine(center, onCircle(center, radius, radians));
}

void paintAmplitudeDisc(QPainter& painter, QPointF center, double radius, std::complex<double> amplitude,
                        const Theme& theme) {
    const double magnitude = std::abs(amplitude);
    painter.setPen(QPen(theme.color(Role::Faint), 1));
    painter.setBrush(theme.color(Role::Raised));
    painter.drawEllipse(center, radius, radius);
    if (magnitude < 1e-9) return; // the phase of nothing is noise
    painter.setPen(Qt::NoPen);
    painter.setBrush(phaseColor(std::arg(amplitude)));
    painter.drawEllipse(center, radius * magnitude, radius * magnitude);
    painter.setPen(QPen(theme.color(Role::Text), 1.5, Qt::SolidLine, Qt::RoundCap));
    painter.drawLine(center, onCircle(center, radius, std::arg(amplitude)));
}

void paintPhaseWheel(QPainter& painter, const QRectF& area, const Theme& theme) {
    constexpr double kLabelRoom = 18;
    const QPointF center = area.center();
    const double radius = std::min(area.width(), area.height()) / 2 - kLabelRoom;
    QConicalGradient gradient(center, 0);
    for (int stop = 0; stop <= 64; ++stop) // conical gradients run counter-clockwise from the right, as angles do
        gradient.setColorAt(stop / 64.0, phaseColor(stop / 64.0 * 2 * std::numbers::pi));
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(QBrush(gradient), radius * 0.4));
    painter.drawEllipse(center, radius * 0.8, radius * 0.8);

    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    const auto label = [&](double x, double y, const QString& text) {
        const double reach = radius + kLabelRoom / 2 + 1;
        painter.drawText(QRectF(center.x() + x * reach - 20, center.y() + y * reach - 9, 40, 18), Qt::AlignCenter,
                         text);
    };
    label(1, 0, QStringLiteral("0"));
    label(0, -1, QStringLiteral("π/2"));
    label(-1, 0, QStringLiteral("π"));
    label(0, 1, QStringLiteral("−π/2"));
}

} // namespace qscope
