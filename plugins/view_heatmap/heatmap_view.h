// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_heatmap/matrix_source.h"

class QToolButton;

namespace qscope {

/// The selected tensor as a picture: its weights, what the selected method made of them, or the error.
class HeatmapView : public ViewPage {
    Q_OBJECT
public:
    HeatmapView(ViewContext& context, QWidget* parent);

    [[nodiscard]] Heatmap& heatmap() const { return *m_heatmap; }

protected:
    void refresh() override;

private:
    enum class Values { Weights, Dequantized, Error };

    void showMatrix(const TensorSubject& subject, std::shared_ptr<const DrawnMatrix> matrix);
    void fetchTile(const TileRequest& request);
    void showSelection();
    void selectCell(std::int64_t row, std::int64_t column);
    [[nodiscard]] QString readout(const TileRequest& cell, std::optional<float> value) const;

    Heatmap* m_heatmap;
    QAction* m_sortRows;
    QAction* m_sortColumns;
    Values m_values = Values::Weights;
    std::shared_ptr<const DrawnMatrix> m_matrix;
    std::vector<std::int64_t> m_rowPlaces; ///< where each row is drawn; empty: as stored
    std::vector<std::int64_t> m_columnPlaces;
    std::unique_ptr<Jobs> m_tileJobs; ///< apart from the page's, so that panning never dims the picture
};

} // namespace qscope
