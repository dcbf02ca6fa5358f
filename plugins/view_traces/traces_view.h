// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_traces/trace_charts.h"

class QGridLayout;
class QScrollArea;

namespace qscope {

/// What the methods of the report saw while they worked on the selected tensor, one chart for each kind of trace.
class TracesView : public ViewPage {
    Q_OBJECT
public:
    TracesView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showCharts();
    void arrange();
    /// The empty state of a tensor without traces, or of no tensor: offers one that has some.
    void offerAnother(const QString& text);

    QScrollArea* m_scroll;
    QGridLayout* m_grid;
    std::vector<PlotArea*> m_plots; ///< as many as were ever needed
    std::vector<TraceChart> m_charts;
    bool m_log = true;
    bool m_chosenHere = false; ///< the selected method was chosen by a click on one of the charts
    int m_columns = 0;
};

} // namespace qscope
