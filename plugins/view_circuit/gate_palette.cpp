// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/gate_palette.h"

#include "plugins/view_circuit/gate_edits.h"

#include <QApplication>
#include <QDrag>
#include <QMimeData>
#include <QMouseEvent>
#include <QToolButton>

namespace qscope {

namespace {

/// A button that is also dragged.
class GateButton : public QToolButton {
public:
    GateButton(const PaletteGate& gate, QWidget* parent)
        : QToolButton(parent)
        , m_gate(gate) {
        setObjectName(QStringLiteral("gate_") + gate.name);
        setText(gate.label);
        setFont(Theme::caption());
        setAccessibleName(QCoreApplication::translate("CircuitView", "Add gate %1").arg(gate.name));
        setToolTip(
            QCoreApplication::translate(
                "CircuitView", "%1\nDrag onto a wire, or click to add behind the selected step on the selected wire")
                .arg(gate.help));
        setCursor(Qt::OpenHandCursor);
    }
    [[nodiscard]] QSize sizeHint() const override {
        return {std::max(26, fontMetrics().horizontalAdvance(text()) + 12), 24};
    }

protected:
    void mousePressEvent(QMouseEvent* event) override {
        m_pressed = event->position().toPoint();
        QToolButton::mousePressEvent(event);
    }
    void mouseMoveEvent(QMouseEvent* event) override {
        if (!(event->buttons() & Qt::LeftButton) ||
            (event->position().toPoint() - m_pressed).manhattanLength() < QApplication::startDragDistance())
            return QToolButton::mouseMoveEvent(event);
        setDown(false);
        auto* mime = new QMimeData;
        mime->setData(QLatin1String(kGateMime), m_gate.name.toUtf8());
        auto* drag = new QDrag(this);
        drag->setMimeData(mime);
        drag->setPixmap(grab());
        drag->setHotSpot(m_pressed);
        drag->exec(Qt::CopyAction);
    }

private:
    const PaletteGate& m_gate;
    QPoint m_pressed;
};

} // namespace

GatePalette::GatePalette(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context) {
    setAccessibleName(tr("Gates"));
    for (const auto& gate : paletteGates()) {
        auto* button = new GateButton(gate, this);
        m_buttons.push_back(button);
        connect(button, &QToolButton::clicked, this, [this, &gate] {
            const auto opened = m_context.circuit();
            if (!opened || !opened->circuit) return;
            const auto& selection = m_context.selection();
            const auto count = opened->circuit->operations.size();
            insertGate(m_context, gate, std::max(0, selection.qubit),
                       selection.step < 0 ? count : std::min(count, static_cast<std::size_t>(selection.step)));
        });
    }
}

void GatePalette::resizeEvent(QResizeEvent*) {
    constexpr int kGap = 3, kMargin = 8;
    int x = kMargin, y = kGap;
    for (auto* button : m_buttons) {
        const QSize size = button->sizeHint();
        if (x > kMargin && x + size.width() > width() - kMargin) {
            x = kMargin;
            y += size.height() + kGap;
        }
        button->setGeometry(QRect(QPoint(x, y), size));
        x += size.width() + kGap;
    }
    setFixedHeight(y + m_buttons.back()->height() + kGap);
}

} // namespace qscope
