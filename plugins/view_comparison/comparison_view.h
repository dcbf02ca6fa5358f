// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_comparison/comparison_model.h"
#include "plugins/view_comparison/error_multiples.h"

class QGridLayout;

namespace qscope {

/// Methods side by side: a table of metrics, the error across the depth of the network, size against quality, and the
/// error on the selected tensor. Choosing a method anywhere selects its result everywhere.
class ComparisonView : public ViewPage {
    Q_OBJECT
public:
    ComparisonView(ViewContext& context, QWidget* parent);

    [[nodiscard]] NumberTable& table() const { return *m_table; }
    [[nodiscard]] PlotArea& depthPlot() const { return *m_depthPlot; }
    [[nodiscard]] PlotArea& paretoPlot() const { return *m_paretoPlot; }
    [[nodiscard]] ErrorMultiples& multiples() const { return *m_multiples; }

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showTable();
    void showDepth();
    void showPareto();
    void showMultiples();
    void selectMethod(int method);
    void exportMethod(int method);
    void arrange();

    NumberTable* m_table;
    PlotArea* m_depthPlot;
    PlotArea* m_paretoPlot;
    ErrorMultiples* m_multiples;
    QWidget* m_sections; ///< buttons that choose one chart where not all fit
    QAction* m_export;
    QGridLayout* m_grid;
    std::shared_ptr<const engine::CompareReport> m_report;
    Depth m_depth;
    bool m_tensorScope = false;
    int m_section = 0;
};

} // namespace qscope
