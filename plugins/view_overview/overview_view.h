// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_overview/module_map.h"
#include "plugins/view_overview/overview_numbers.h"

class QComboBox;
class QTimer;

namespace qscope {

/// The whole model on one page: layers down, modules across, coloured by the chosen number. Statistics fill in as they
/// become known; a click selects a tensor everywhere.
class OverviewView : public ViewPage {
    Q_OBJECT
public:
    OverviewView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    void fillChoice();
    void adoptCheckpoint();
    void keep(std::int64_t tensor);
    /// Asks for statistics that have not been announced while this view was there, one tensor at a time.
    void askForStatistics();
    void showMap();
    void showSelection();
    void answerTile(const TileRequest& request);
    void selectAt(std::int64_t row, std::int64_t column);
    [[nodiscard]] QString readout(const TileRequest& area) const;
    [[nodiscard]] QString note() const;
    [[nodiscard]] const engine::MethodResult* method() const;
    [[nodiscard]] const OverviewNumber& number() const;
    /// The worst tensor of an area with a known value; without one any tensor there; -1: none.
    [[nodiscard]] std::int64_t worstIn(const TileRequest& area, std::size_t* tensors = nullptr) const;

    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::shared_ptr<const engine::CompareReport> m_report;
    ModuleMap m_map;
    std::vector<StatisticValues> m_statistics; ///< by tensor; NaN: not known yet
    std::vector<bool> m_known;
    std::int64_t m_next = -1; ///< the last tensor whose statistics may be missing
    std::vector<float> m_values;
    std::size_t m_number = 0;
    QComboBox* m_choice;
    Heatmap* m_heatmap;
    QTimer* m_later; ///< many tensors become known at once; the map follows ten times a second
};

} // namespace qscope
