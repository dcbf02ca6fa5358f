// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_propagation/propagation_model.h"

#include <array>
#include <functional>

class QStackedWidget;

namespace qscope {

/// What quantizing each layer alone, all layers up to it and all but it does to the logits, side by side on the same
/// layers. Without these numbers: the button that computes them.
class AttributionRow : public QWidget {
    Q_OBJECT
public:
    AttributionRow(ViewContext& context, std::function<void()> compute, QWidget* parent = nullptr);

    void show(const engine::PropagationReport& report, int method, const DepthAxis& depth);
    /// Its height is shared out by the view; wrapped text must not claim its own.
    [[nodiscard]] bool hasHeightForWidth() const override { return false; }

signals:
    void layerChosen(int layer);

private:
    ViewContext& m_context;
    std::function<void()> m_compute;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    std::array<PlotArea*, 3> m_plots{};
    std::vector<int> m_layers;
};

} // namespace qscope
