// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QWidget>

#include <array>

class QLabel;
class QSlider;
class QToolButton;

namespace qscope {

/// The slider and buttons that walk the shared step through the operations of the open circuit.
class StepBar : public QWidget {
    Q_OBJECT
public:
    StepBar(ViewContext& context, QWidget* parent);
    /// Brings range, position and text up to date with the context.
    void refresh();

private:
    void recolor();

    ViewContext& m_context;
    std::array<QToolButton*, 4> m_buttons{}; ///< first, back, forward, last
    QSlider* m_slider;
    QLabel* m_text;
};

} // namespace qscope
