// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_evolution/step_heatmap.h"

#include <algorithm>

namespace qscope {

StepHeatmap::StepHeatmap(ViewContext& context, QWidget* parent)
    : Heatmap(context, parent) {
    connect(this, &Heatmap::tileWanted, this, [this](const TileRequest& request) {
        if (!m_cells.empty()) setTile(reducedTile(m_cells, info().columns, request));
    });
}

void StepHeatmap::setCells(HeatmapInfo info, std::vector<float> cells, std::vector<std::size_t> steps) {
    m_cells = std::move(cells);
    m_steps = std::move(steps);
    info.columns = static_cast<std::int64_t>(m_steps.size());
    info.rows = static_cast<std::int64_t>(m_cells.size() / std::max<std::size_t>(1, m_steps.size()));
    info.isSigned = false;
    for (const std::size_t step : m_steps) info.columnNames.push_back(QString::number(step));
    setMatrix(std::move(info));
}

void StepHeatmap::showStep(std::int64_t step, std::int64_t row) {
    const auto after = std::ranges::upper_bound(m_steps, static_cast<std::size_t>(std::max<std::int64_t>(0, step)));
    setSelected(row < info().rows ? row : -1, static_cast<std::int64_t>(after - m_steps.begin()) - 1);
}

} // namespace qscope
