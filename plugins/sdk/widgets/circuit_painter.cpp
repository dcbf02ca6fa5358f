// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/circuit_painter.h"

#include <QFontMetricsF>

#include <algorithm>
#include <cmath>

namespace qscope {

using engine::LaidOutOperation;
using engine::SymbolKind;

namespace {

constexpr double kDot = 4;
constexpr double kNot = 11;
constexpr double kDoubled = 1.75; ///< half the distance of the two lines of a classical wire

void drawDoubled(QPainter& painter, QPointF from, QPointF to) {
    const QPointF aside = from.x() == to.x() ? QPointF(kDoubled, 0) : QPointF(0, kDoubled);
    painter.drawLine(from - aside, to - aside);
    painter.drawLine(from + aside, to + aside);
}

/// Paints one operation; everything it asks of the geometry is local to its column.
class SymbolPainter {
public:
    SymbolPainter(QPainter& painter, const CircuitGeometry& geometry, const Theme& theme)
        : m_painter(painter)
        , m_geometry(geometry)
        , m_theme(theme) {}

    /// `current`: the last one applied; `ahead`: not applied yet, drawn dimmed.
    void paint(const LaidOutOperation& operation, bool current, bool ahead, bool hovered) {
        m_ahead = ahead;
        m_x = m_geometry.columnCenter(operation.column);
        m_width = m_geometry.columnX(operation.column + 1) - m_geometry.columnX(operation.column) - 8;
        m_ink = color(current ? Role::Accent : Role::Text);
        m_edge = color(current ? Role::Accent : Role::Muted);
        m_fill = m_theme.color(hovered ? Role::Sunken : Role::Raised);
        paintClassical(operation);
        if (operation.kind != SymbolKind::Barrier && operation.lowest != operation.highest) {
            m_painter.setPen(QPen(m_ink, 1.25));
            m_painter.drawLine(at(operation.lowest), at(operation.highest));
        }
        m_painter.setPen(Qt::NoPen);
        m_painter.setBrush(m_ink);
        for (const int control : operation.controls) m_painter.drawEllipse(at(control), kDot, kDot);
        paintTargets(operation);
        if (!operation.parameterText.empty()) paintParameters(operation);
    }

private:
    [[nodiscard]] QPointF at(int qubit) const { return {m_x, m_geometry.wireY(qubit)}; }

    /// Dimmed by mixing with the background: with opacity the wires would shine through the boxes.
    [[nodiscard]] QColor color(Role role) const {
        const QColor full = m_theme.color(role), back = m_theme.color(Role::Surface);
        if (!m_ahead) return full;
        const auto mix = [](int a, int b) { return static_cast<int>(0.45 * a + 0.55 * b); };
        return {mix(full.red(), back.red()), mix(full.green(), back.green()), mix(full.blue(), back.blue())};
    }

    [[nodiscard]] QRectF box(const LaidOutOperation& operation, double textWidth) const {
        double top = m_geometry.wireY(operation.targets.front()), bottom = top;
        for (const int target : operation.targets) {
            top = std::min(top, m_geometry.wireY(target));
            bottom = std::max(bottom, m_geometry.wireY(target));
        }
        const double side = CircuitGeometry::kBox;
        const double width = std::clamp(textWidth + 12, side, m_width);
        return QRectF(m_x - width / 2, top - side / 2, width, bottom - top + side);
    }

    void paintBox(const QRectF& rect) {
        m_painter.setPen(QPen(m_edge, 1.25));
        m_painter.setBrush(m_fill);
        m_painter.drawRoundedRect(rect, 3, 3);
    }

    void paintTargets(const LaidOutOperation& operation) {
        switch (operation.kind) {
        case SymbolKind::Box:
        case SymbolKind::Call: return paintLabelled(operation, QString::fromStdString(operation.label));
        case SymbolKind::Reset: return paintLabelled(operation, QStringLiteral("|0⟩"));
        case SymbolKind::Measure: return paintMeter(box(operation, 0));
        case SymbolKind::Not: return paintNots(operation);
        case SymbolKind::Dot:
            for (const int target : operation.targets) m_painter.drawEllipse(at(target), kDot, kDot);
            return;
        case SymbolKind::Cross: return paintCrosses(operation);
        case SymbolKind::Barrier: return paintBarrier(operation);
        }
    }

    void paintLabelled(const LaidOutOperation& operation, const QString& label) {
        const QFontMetricsF metrics(Theme::body());
        const bool several = operation.targets.size() > 1;
        const double indices = several ? 20 : 0; // room on both sides for the argument numbers at the left edge
        const QRectF rect = box(operation, metrics.horizontalAdvance(label) + indices);
        paintBox(rect);
        m_painter.setFont(Theme::body());
        m_painter.setPen(color(Role::Text));
        m_painter.drawText(rect, Qt::AlignCenter,
                           metrics.elidedText(label, Qt::ElideRight, std::max(1.0, rect.width() - indices - 4)));
        if (!several) return;
        m_painter.setFont(Theme::caption());
        m_painter.setPen(color(Role::Muted));
        for (std::size_t i = 0; i < operation.targets.size(); ++i)
            m_painter.drawText(QRectF(rect.left() + 4, m_geometry.wireY(operation.targets[i]) - 8, 20, 16),
                               Qt::AlignLeft | Qt::AlignVCenter, QString::number(i));
    }

    void paintMeter(const QRectF& rect) {
        paintBox(rect);
        m_painter.setBrush(Qt::NoBrush);
        m_painter.setPen(QPen(color(Role::Text), 1.25));
        const QPointF foot(rect.center().x(), rect.center().y() + 5);
        m_painter.drawArc(QRectF(foot.x() - 9, foot.y() - 9, 18, 18), 20 * 16, 140 * 16);
        m_painter.drawLine(foot, foot + QPointF(6, -11));
    }

    void paintNots(const LaidOutOperation& operation) {
        m_painter.setPen(QPen(m_ink, 1.5));
        m_painter.setBrush(m_fill);
        for (const int target : operation.targets) {
            const QPointF center = at(target);
            m_painter.drawEllipse(center, kNot, kNot);
            m_painter.drawLine(center - QPointF(kNot, 0), center + QPointF(kNot, 0));
            m_painter.drawLine(center - QPointF(0, kNot), center + QPointF(0, kNot));
        }
    }

    void paintCrosses(const LaidOutOperation& operation) {
        m_painter.setPen(QPen(m_ink, 1.75));
        for (const int target : operation.targets) {
            const QPointF center = at(target);
            m_painter.drawLine(center - QPointF(6, 6), center + QPointF(6, 6));
            m_painter.drawLine(center - QPointF(6, -6), center + QPointF(6, -6));
        }
    }

    void paintBarrier(const LaidOutOperation& operation) {
        m_painter.setPen(QPen(color(Role::Muted), 1, Qt::DashLine));
        for (const int target : operation.targets)
            m_painter.drawLine(at(target) - QPointF(0, CircuitGeometry::kRow / 2),
                               at(target) + QPointF(0, CircuitGeometry::kRow / 2));
    }

    /// Under the symbol; beside the line where a symbol has no box.
    void paintParameters(const LaidOutOperation& operation) {
        QString text = QString::fromStdString(operation.parameterText);
        text.replace(QLatin1Char('-'), QChar(0x2212));
        m_painter.setFont(Theme::caption());
        const QFontMetricsF metrics(Theme::caption());
        const QString shown = metrics.elidedText(text, Qt::ElideRight, m_width + 6);
        const double width = metrics.horizontalAdvance(shown);
        const double bottom = std::max(m_geometry.wireY(operation.lowest), m_geometry.wireY(operation.highest));
        const QRectF under = operation.kind == SymbolKind::Dot || operation.kind == SymbolKind::Cross
                                 ? QRectF(m_x - width / 2, bottom - CircuitGeometry::kRow / 2 - 7, width, 14)
                                 : QRectF(m_x - width / 2, box(operation, 0).bottom() + 2, width, 14);
        m_painter.fillRect(under.adjusted(-1, 1, 1, -1), m_theme.color(Role::Surface)); // where a line would cross it
        m_painter.setPen(color(Role::Muted));
        m_painter.drawText(under, Qt::AlignCenter | Qt::TextDontClip, shown);
    }

    void paintClassical(const LaidOutOperation& operation) {
        const double from = std::max(m_geometry.wireY(operation.lowest), m_geometry.wireY(operation.highest));
        m_painter.setFont(Theme::caption());
        if (operation.conditionRegister >= 0) {
            const QPointF dot(m_x, m_geometry.registerY(operation.conditionRegister));
            m_painter.setPen(QPen(m_edge, 1));
            drawDoubled(m_painter, {m_x, from}, dot);
            m_painter.setBrush(m_ink);
            m_painter.drawEllipse(dot, kDot, kDot);
            paintNote(QRectF(m_x - m_width / 2 - 4, dot.y() + 5, m_width + 8, 15),
                      QString::fromStdString(operation.conditionText));
        }
        const int creg = operation.clbit >= 0 ? m_geometry.registerOf(operation.clbit) : -1;
        if (creg < 0) return;
        const QPointF tip(m_x, m_geometry.registerY(creg) - kDoubled);
        m_painter.setPen(QPen(m_edge, 1));
        drawDoubled(m_painter, {m_x, from}, tip - QPointF(0, 7));
        m_painter.setPen(Qt::NoPen);
        m_painter.setBrush(m_edge);
        m_painter.drawPolygon(QPolygonF({tip, tip - QPointF(5, 8), tip - QPointF(-5, 8)}));
        const int bit = operation.clbit - m_geometry.circuit().cregs[static_cast<std::size_t>(creg)].first;
        if (operation.conditionRegister != creg) paintNote(QRectF(m_x - 20, tip.y() + 5, 40, 15), QString::number(bit));
    }

    void paintNote(const QRectF& rect, const QString& text) {
        m_painter.setPen(color(Role::Muted));
        m_painter.drawText(rect, Qt::AlignCenter,
                           QFontMetricsF(Theme::caption()).elidedText(text, Qt::ElideRight, rect.width()));
    }

    QPainter& m_painter;
    const CircuitGeometry& m_geometry;
    const Theme& m_theme;
    double m_x = 0;     ///< centre of the column
    double m_width = 0; ///< room in the column
    bool m_ahead = false;
    QColor m_ink, m_edge, m_fill;
};

void paintQubitWire(QPainter& painter, const CircuitGeometry& geometry, int qubit, double left, double right) {
    const double y = geometry.wireY(qubit);
    const auto changes = geometry.changes(qubit);
    const int column = geometry.columnAt(left);
    auto next =
        std::partition_point(changes.begin(), changes.end(), [&](const auto& change) { return change.first < column; });
    bool measured = next != changes.begin() && (next - 1)->second;
    const auto draw = [&](double from, double to) {
        if (measured)
            drawDoubled(painter, {from, y}, {to, y});
        else
            painter.drawLine(QPointF(from, y), QPointF(to, y));
    };
    double from = left;
    for (; next != changes.end() && geometry.columnCenter(next->first) < right; ++next) {
        const double to = std::max(from, geometry.columnCenter(next->first));
        draw(from, to);
        from = to;
        measured = next->second;
    }
    draw(from, right);
}

void paintName(QPainter& painter, const CircuitGeometry& geometry, double left, double y, const QString& name) {
    const QRectF rect(left + 8, y - 10, geometry.labelWidth() - 16, 20);
    painter.drawText(rect, Qt::AlignRight | Qt::AlignVCenter,
                     QFontMetricsF(Theme::body()).elidedText(name, Qt::ElideRight, rect.width() + 1));
}

} // namespace

std::size_t paintCircuit(QPainter& painter, const CircuitGeometry& geometry, const QRectF& sight, const Theme& theme,
                         const CircuitMarks& marks) {
    const auto& circuit = geometry.circuit();
    const auto& layout = geometry.layout();
    const double left = sight.left() + geometry.labelWidth();
    const double right = std::min(sight.right(), geometry.size().width());
    const auto inSight = [&](double y) {
        return y > sight.top() - CircuitGeometry::kRow && y < sight.bottom() + CircuitGeometry::kRow;
    };
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(Theme::body());
    for (int qubit = 0; qubit < circuit.qubits; ++qubit) {
        if (!inSight(geometry.wireY(qubit))) continue;
        const bool selected = qubit == marks.qubit;
        painter.setPen(selected ? theme.color(Role::Accent) : theme.color(Role::Text));
        paintName(painter, geometry, sight.left(), geometry.wireY(qubit), geometry.qubitName(qubit));
        painter.setPen(QPen(theme.color(selected ? Role::Accent : Role::Muted), 1));
        paintQubitWire(painter, geometry, qubit, left, right);
    }
    for (std::size_t creg = 0; creg < circuit.cregs.size(); ++creg) {
        const double y = geometry.registerY(static_cast<int>(creg));
        if (!inSight(y)) continue;
        painter.setPen(theme.color(Role::Text));
        paintName(painter, geometry, sight.left(), y, QString::fromStdString(circuit.cregs[creg].name));
        painter.setPen(QPen(theme.color(Role::Muted), 1));
        drawDoubled(painter, {left, y}, {right, y});
    }

    std::size_t painted = 0;
    painter.setClipRect(QRectF(left - 2, sight.top(), right - left + 2, sight.height()), Qt::IntersectClip);
    const auto paintOperation = [&](std::uint32_t index) {
        const auto& operation = layout.operations[index];
        SymbolPainter(painter, geometry, theme)
            .paint(operation, static_cast<std::int64_t>(index) == marks.step - 1,
                   marks.step >= 0 && index >= marks.step, index == marks.hovered);
        ++painted;
    };
    if (layout.columns > 0 && right > left)
        for (int column = geometry.columnAt(left); column <= geometry.columnAt(right); ++column)
            for (const auto index : geometry.operationsIn(column)) paintOperation(index);
    if (marks.step >= 0) {
        painter.setPen(QPen(theme.color(Role::Accent), 2));
        const double x = geometry.stepX(marks.step);
        painter.drawLine(QPointF(x, std::max(sight.top(), 0.0)),
                         QPointF(x, std::min(sight.bottom(), geometry.size().height())));
    }
    painter.restore();
    return painted;
}

} // namespace qscope
