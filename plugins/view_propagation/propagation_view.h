// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_propagation/attribution_row.h"
#include "plugins/view_propagation/propagation_model.h"
#include "plugins/view_propagation/token_errors.h"

class QComboBox;
class QGridLayout;
class QSpinBox;

namespace qscope {

/// How each method's error travels through the network on a text: lines through the depth with the shape of the values
/// beside them, the error by token and layer, and what single layers do to the end.
class PropagationView : public ViewPage {
    Q_OBJECT
public:
    PropagationView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void makeHeader();
    QWidget* makeChoices();
    void runOrCancel();
    void showLines();
    void arrange();
    void select(int method, int layer);
    [[nodiscard]] int shownMethod() const;
    /// Place in the compare report of a followed method.
    [[nodiscard]] int resultIndex(int followed) const;

    QSpinBox* m_tokens;
    QAction* m_text;
    QAction* m_run;
    QWidget* m_sections; ///< buttons that choose one chart where not all fit
    QComboBox* m_quantity;
    QComboBox* m_shape;
    PlotArea* m_errorPlot;
    PlotArea* m_shapePlot;
    TokenErrors* m_tokenErrors;
    AttributionRow* m_attribution;
    QGridLayout* m_grid;
    BusyVeil* m_veil;
    std::shared_ptr<const engine::PropagationReport> m_report;
    DepthAxis m_depth;
    Places m_places = Places::Stream;
    int m_section = 0;
};

} // namespace qscope
