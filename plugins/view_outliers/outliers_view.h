// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_page.h"

class QBoxLayout;
class QLabel;

namespace qscope {

/// Where the large values of the selected tensor are: largest magnitude per output and input channel, the largest
/// values themselves, and how heavy the tails are.
class OutliersView : public ViewPage {
    Q_OBJECT
public:
    OutliersView(ViewContext& context, QWidget* parent);

    [[nodiscard]] PlotArea& rowPlot() const { return *m_rows; }
    [[nodiscard]] PlotArea& columnPlot() const { return *m_columns; }
    [[nodiscard]] NumberTable& table() const { return *m_table; }

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showChannels(PlotArea& plot, const std::vector<float>& largest, const QString& channel, std::int64_t selected);
    void showReadouts(const engine::TensorStatistics& statistics);
    void showTable(const engine::TensorStatistics& statistics);
    void showSelection();

    QLabel* m_readouts;
    QBoxLayout* m_outer;
    PlotArea* m_rows;
    PlotArea* m_columns;
    NumberTable* m_table;
    std::shared_ptr<const engine::TensorStatistics> m_statistics;
};

} // namespace qscope
