// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/heatmap.h"

namespace qscope {

/// A small matrix in memory as a heatmap: rows are places, columns are numbers of operations applied.
class StepHeatmap : public Heatmap {
    Q_OBJECT
public:
    explicit StepHeatmap(ViewContext& context, QWidget* parent = nullptr);

    /// `cells` row-major; `steps[column]` operations are applied there.
    void setCells(HeatmapInfo info, std::vector<float> cells, std::vector<std::size_t> steps);
    /// Marks the last column with at most `step` operations, and a row (-1: none).
    void showStep(std::int64_t step, std::int64_t row);
    [[nodiscard]] const std::vector<std::size_t>& steps() const { return m_steps; }

private:
    std::vector<float> m_cells;
    std::vector<std::size_t> m_steps;
};

} // namespace qscope
