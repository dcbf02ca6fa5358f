// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_activations/input_transform.h"

class QBoxLayout;

namespace qscope {

/// What flows into the selected layer beside what its quantized weights meet, when the selected method moves scale from
/// inputs to weights.
class TransformView : public ViewPage {
    Q_OBJECT
public:
    TransformView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    /// Selects a method whose result transforms the inputs of the tensor, or says that none does.
    void offerAnother(const QString& text);
    void offerCalibration();
    void showInputs(const TransformedInputs& inputs);
    void showTable(const TransformedInputs& inputs);

    QBoxLayout* m_outer;
    PlotArea* m_histogram;
    PlotArea* m_channels;
    NumberTable* m_table;
    QString m_label;
    int m_method = -1;
    bool m_perRms = false;
};

} // namespace qscope
