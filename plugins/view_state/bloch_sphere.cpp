// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/bloch_sphere.h"

#include <QPainterPath>
#include <QRadialGradient>

#include <cmath>
#include <numbers>

namespace qscope {

namespace {

constexpr double kAzimuth = 32 * std::numbers::pi / 180;
constexpr double kElevation = 18 * std::numbers::pi / 180;

QColor blend(const QColor& a, const QColor& b, double share) {
    const auto mix = [&](int x, int y) { return static_cast<int>(std::lround(x + (y - x) * share)); };
    return QColor(mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue()));
}

/// Half of a great circle, as a path; `at(t)` for t in [0, 2π) gives the circle, `front` chooses the half to keep.
template<class Point>
QPainterPath half(Point at, bool front, const QPointF& center, double radius) {
    constexpr int kSteps = 96;
    QPainterPath path;
    bool drawing = false;
    for (int step = 0; step <= kSteps; ++step) {
        const auto point = projectBloch(at(2 * std::numbers::pi * step / kSteps));
        if ((point.depth >= 0) == front) {
            const QPointF place = center + point.position * radius;
            if (drawing)
                path.lineTo(place);
            else
                path.moveTo(place);
            drawing = true;
        } else {
            drawing = false;
        }
    }
    return path;
}

void paintArrow(QPainter& painter, const QPointF& from, const QPointF& to, const QColor& color, bool behind) {
    const QPointF along = to - from;
    const double reach = std::hypot(along.x(), along.y());
    painter.setPen(QPen(color, 2.5, behind ? Qt::DashLine : Qt::SolidLine, Qt::FlatCap));
    painter.drawLine(from, to);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    if (reach < 8) { // pointing at the viewer, or hardly any vector: a dot says more than a head
        painter.drawEllipse(to, 4, 4);
        return;
    }
    const QPointF unit = along / reach;
    const QPointF side(-unit.y(), unit.x());
    const double head = std::min(9.0, reach * 0.6);
    painter.drawPolygon(QPolygonF({to, to - unit * head + side * head * 0.45, to - unit * head - side * head * 0.45}));
}

} // namespace

Projected projectBloch(const engine::BlochVector& point) {
    const auto [x, y, z] = point;
    const double sinA = std::sin(kAzimuth), cosA = std::cos(kAzimuth);
    const double sinE = std::sin(kElevation), cosE = std::cos(kElevation);
    const double towards = x * cosA + y * sinA; // in the plane, towards the viewer
    return {QPointF(y * cosA - x * sinA, towards * sinE - z * cosE), towards * cosE + z * sinE};
}

double length(const engine::BlochVector& vector) { return std::hypot(vector[0], vector[1], vector[2]); }

void paintBlochSphere(QPainter& painter, const QRectF& area, const engine::BlochVector& vector, const QColor& color,
                      const Theme& theme) {
    constexpr double kLabelRoom = 18;
    const double radius = std::min(area.width(), area.height()) / 2 - kLabelRoom;
    const QPointF center = area.center();
    const auto place = [&](const engine::BlochVector& point) { return center + projectBloch(point).position * radius; };
    const auto equator = [](double t) { return engine::BlochVector{std::cos(t), std::sin(t), 0}; };
    const auto meridian = [](double t) { return engine::BlochVector{std::cos(t), 0, std::sin(t)}; };
    const QColor line = theme.color(Role::Faint);

    // The ball, with its back half shaded: everything above the front of the equator is the far side seen from above.
    QRadialGradient ball(center - QPointF(radius, radius) * 0.3, radius * 1.5);
    ball.setColorAt(0, theme.color(Role::Surface));
    ball.setColorAt(1, theme.color(Role::Sunken));
    painter.setPen(QPen(line, 1));
    painter.setBrush(ball);
    painter.drawEllipse(center, radius, radius);
    painter.setPen(Qt::NoPen);
    painter.setBrush(blend(theme.color(Role::Sunken), line, 0.3));
    QPainterPath back = half(equator, false, center, radius);
    back.closeSubpath();
    painter.drawPath(back);
    painter.setBrush(Qt::NoBrush);
    for (const bool front : {false, true}) {
        painter.setPen(QPen(line, 1, front ? Qt::SolidLine : Qt::DotLine));
        painter.drawPath(half(equator, front, center, radius));
        painter.drawPath(half(meridian, front, center, radius));
    }
    painter.drawLine(place({0, 0, -1}), place({0, 0, 1}));
    painter.drawLine(place({0, 0, 0}), place({1, 0, 0}));
    painter.drawLine(place({0, 0, 0}), place({0, 1, 0}));

    painter.setFont(Theme::caption());
    painter.setPen(theme.color(Role::Muted));
    const auto label = [&](const engine::BlochVector& at, QPointF offset, const QString& text) {
        const QPointF anchor = place(at) + offset;
        painter.drawText(QRectF(anchor.x() - 20, anchor.y() - 9, 40, 18), Qt::AlignCenter, text);
    };
    label({0, 0, 1}, {0, -11}, QStringLiteral("|0⟩"));
    label({0, 0, -1}, {0, 11}, QStringLiteral("|1⟩"));
    label({1, 0, 0}, {-8, 7}, QStringLiteral("x"));
    label({0, 1, 0}, {9, 2}, QStringLiteral("y"));

    const double size = length(vector);
    if (size > 1e-3) { // the shadow on the equator's plane gives the eye the third dimension
        painter.setPen(QPen(blend(theme.color(Role::Surface), color, 0.6), 1, Qt::DotLine));
        const engine::BlochVector shadow{vector[0], vector[1], 0};
        painter.drawLine(place(shadow), place(vector));
        painter.drawLine(place({0, 0, 0}), place(shadow));
    }
    paintArrow(painter, center, place(vector), color, projectBloch(vector).depth < -1e-9);
}

} // namespace qscope
