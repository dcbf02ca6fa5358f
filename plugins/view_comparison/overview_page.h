// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_comparison/board_state.h"
#include "plugins/view_comparison/comparison_model.h"

class QButtonGroup;
class QComboBox;
class QGridLayout;

namespace qscope {

/// All results by their numbers: the table, the error across the depth of the network, cost against quality. Where
/// there is no room for both charts, buttons choose one.
class OverviewPage : public QWidget {
    Q_OBJECT
public:
    OverviewPage(ViewContext& context, BoardActions actions, QWidget* parent = nullptr);

    void show(const BoardState& state);
    using QWidget::show;

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeChoices();
    QWidget* makePareto();
    void fillBaselines(const BoardState& state);
    void fillFigures(const BoardState& state);
    void showTable(const BoardState& state);
    void showDepth(const BoardState& state);
    void showPareto(const BoardState& state);
    void chooseAt(PlotArea::Hit hit);
    void arrange();

    ViewContext& m_context;
    BoardActions m_actions;
    NumberTable* m_table;
    PlotArea* m_depthPlot;
    PlotArea* m_paretoPlot;
    QComboBox* m_baseline = nullptr;
    QComboBox* m_cost = nullptr;
    QComboBox* m_quality = nullptr;
    QWidget* m_paretoBox = nullptr;
    QButtonGroup* m_sections; ///< buttons that choose one of table, depth, cost and quality
    QGridLayout* m_grid;
    int m_section = 0;
    BoardState m_state;
    bool m_isFilled = false;
    Depth m_depth;
    std::vector<int> m_depthMethods; ///< behind the depth plot's layers
};

} // namespace qscope
