// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"

class QSpinBox;

namespace qscope {

/// What a text sends into the selected linear layer, or the attention of one head of the selected layer.
class ActivationsView : public ViewPage {
    Q_OBJECT
public:
    ActivationsView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    void showInputs();
    void showAttention();
    /// The empty state of a run: what is missing, what failed, or the button that starts it.
    void offer(TextRun run, const QString& what, const QString& action, std::function<void()> start);

    bool m_attention = false;
    QWidget* m_inputs;
    PlotArea* m_channels;
    PlotArea* m_tokens;
    PlotArea* m_histogram;
    Heatmap* m_map;
    QSpinBox* m_head;
    std::shared_ptr<const engine::ActivationMaps> m_maps; ///< keeps `m_cells` alive
    std::span<const float> m_cells;
    BusyVeil* m_veil;
};

} // namespace qscope
