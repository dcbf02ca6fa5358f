// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/step_bar.h"

#include "plugins/sdk/format.h"
#include "plugins/view_circuit/circuit_canvas.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>

namespace qscope {

namespace {

/// A triangle to the left or right, with a bar at its tip for "to the end".
QIcon arrow(bool right, bool toEnd, const QColor& color) {
    constexpr int kSide = 16, kScale = 2;
    QPixmap pixmap(kSide * kScale, kSide * kScale);
    pixmap.setDevicePixelRatio(kScale);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    if (!right) {
        painter.translate(kSide, 0);
        painter.scale(-1, 1);
    }
    painter.setPen(QPen(color, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.drawPolyline(QPolygonF({{5, 3.5}, {10, 8}, {5, 12.5}}));
    if (toEnd) painter.drawLine(QPointF(12.5, 3.5), QPointF(12.5, 12.5));
    return QIcon(pixmap);
}

std::int64_t operationsOf(const ViewContext& context) {
    const auto opened = context.circuit();
    return opened && opened->circuit ? static_cast<std::int64_t>(opened->circuit->operations.size()) : 0;
}

/// The step on show: without one it is the end.
std::int64_t stepOf(const ViewContext& context) {
    const auto total = operationsOf(context);
    const auto step = context.selection().step;
    return step < 0 ? total : std::min(step, total);
}

} // namespace

StepBar::StepBar(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_slider(new QSlider(Qt::Horizontal, this))
    , m_text(new QLabel(this)) {
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(8, 4, 8, 4);
    layout->setSpacing(4);
    const std::array names{tr("To the start (Home)"), tr("One step back (Left)"), tr("One step forward (Right)"),
                           tr("To the end (End)")};
    for (std::size_t i = 0; i < m_buttons.size(); ++i) {
        auto* button = m_buttons[i] = new QToolButton(this);
        button->setAutoRaise(true);
        button->setToolTip(names[i]);
        button->setAccessibleName(names[i]);
        button->setAutoRepeat(i == 1 || i == 2);
        layout->addWidget(button);
        connect(button, &QToolButton::clicked, this, [this, i] {
            const std::array targets{std::int64_t{0}, stepOf(m_context) - 1, stepOf(m_context) + 1,
                                     operationsOf(m_context)};
            selectStep(m_context, targets[i]);
        });
    }
    m_slider->setAccessibleName(tr("Operations applied"));
    m_slider->setToolTip(tr("How many operations are applied: the state views show the state after them"));
    layout->addWidget(m_slider, 1);
    m_text->setFont(Theme::figures());
    m_text->setAccessibleName(tr("Step"));
    layout->addWidget(m_text);
    connect(m_slider, &QSlider::valueChanged, this, [this](int step) { selectStep(m_context, step); });
    connect(&context, &ViewContext::selectionChanged, this, [this] { refresh(); });
    connect(&context, &ViewContext::themeChanged, this, [this] { recolor(); });
    recolor();
}

void StepBar::recolor() {
    const QColor color = m_context.theme().color(Role::Text);
    for (std::size_t i = 0; i < m_buttons.size(); ++i) m_buttons[i]->setIcon(arrow(i >= 2, i == 0 || i == 3, color));
}

void StepBar::refresh() {
    const auto total = operationsOf(m_context), step = stepOf(m_context);
    const QSignalBlocker quiet(m_slider);
    m_slider->setRange(0, static_cast<int>(total));
    m_slider->setPageStep(std::max(1, static_cast<int>(total / 20)));
    m_slider->setValue(static_cast<int>(step));
    m_buttons[0]->setEnabled(step > 0);
    m_buttons[1]->setEnabled(step > 0);
    m_buttons[2]->setEnabled(step < total);
    m_buttons[3]->setEnabled(step < total);
    // As wide as the longest it will ever be, so that the slider does not jump.
    const QString longest = tr("%1 of %1 operations").arg(formatInteger(total));
    m_text->setMinimumWidth(m_text->fontMetrics().horizontalAdvance(longest) + 4);
    m_text->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_text->setText(tr("%1 of %2 operations").arg(formatInteger(step), formatInteger(total)));
}

} // namespace qscope
