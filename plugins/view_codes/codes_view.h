// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_codes/code_map_panel.h"

class QBoxLayout;
class QLabel;

namespace qscope {

/// How the codes of the selected result, or of a tensor stored quantized, are used.
class CodesView : public ViewPage {
    Q_OBJECT
public:
    CodesView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showUse(std::shared_ptr<const CodeUse> use, double bits);
    void showReadouts(double bits);
    void showCounts();
    [[nodiscard]] QString unitTitle() const;

    QLabel* m_readouts;
    QBoxLayout* m_outer;
    PlotArea* m_counts;
    CodeMapPanel* m_maps;
    std::shared_ptr<const CodeUse> m_use;
    engine::MatrixShape m_matrix;
    int m_method = -1;
};

} // namespace qscope
