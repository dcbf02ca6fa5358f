// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_calibration/coverage_map.h"

#include <array>

namespace qscope {

/// What the calibration text reached, as pictures: layers by modules, by heads and, where the model has them, experts.
class CoverageView : public ViewPage {
    Q_OBJECT
public:
    CoverageView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    struct Picture {
        CoverageMap map;
        std::vector<float> values;
        Heatmap* heatmap = nullptr;
    };

    void makePicture(Picture& picture, int stretch);
    void showCalibration();
    void showSelection();
    void selectCell(const Picture& picture, std::int64_t row, std::int64_t column);

    CoverageQuantity m_quantity = CoverageQuantity::Silent;
    std::shared_ptr<const engine::Calibration> m_calibration;
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::vector<engine::CoveredWeight> m_weights; ///< the maps point into them
    std::array<Picture, 3> m_pictures;            ///< by split
    BusyVeil* m_veil;
};

} // namespace qscope
