// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_distribution/binned_counts.h"

class QBoxLayout;

namespace qscope {

/// How the values of the selected tensor are spread: histogram with the grid of the selected result over it, quantiles
/// against the normal distribution, moments.
class DistributionView : public ViewPage {
    Q_OBJECT
public:
    DistributionView(ViewContext& context, QWidget* parent);

    [[nodiscard]] PlotArea& histogram() const { return *m_histogram; }

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    /// Whose grid is drawn: levels and where they come from.
    struct Grid {
        std::vector<float> levels;
        QString origin;
    };
    [[nodiscard]] Grid gridOf(const TensorSubject& subject, const engine::TensorStatistics& statistics) const;
    void showPlain(const engine::TensorStatistics& statistics);
    void showCounts(const TensorSubject& subject, const BinnedCounts& counts, const Grid& grid);
    void setHistogramLayers(std::vector<PlotLayer> layers);
    void showQuantiles(const engine::TensorStatistics& statistics);
    void showMoments(const TensorSubject& subject, const engine::TensorStatistics& statistics);
    [[nodiscard]] QString tailNote(const Range& view) const;
    [[nodiscard]] QString readout(const PlotArea::Hit& hit) const;

    QBoxLayout* m_outer;
    QBoxLayout* m_side;
    PlotArea* m_histogram;
    PlotArea* m_quantiles;
    NumberTable* m_moments;
    bool m_logCounts = false;
    std::vector<float> m_levels;
    QString m_origin;
    std::int64_t m_notFinite = 0;
    QString m_peakNote; ///< when a peak is cut off
};

} // namespace qscope
