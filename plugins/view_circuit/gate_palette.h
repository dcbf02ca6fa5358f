// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QWidget>

#include <vector>

class QToolButton;

namespace qscope {

/// The gates that can be dragged onto a wire, or put behind the selected step on the selected wire by a click. Wraps
/// into as many lines as its width asks for.
class GatePalette : public QWidget {
    Q_OBJECT
public:
    GatePalette(ViewContext& context, QWidget* parent);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    ViewContext& m_context;
    std::vector<QToolButton*> m_buttons;
};

} // namespace qscope
