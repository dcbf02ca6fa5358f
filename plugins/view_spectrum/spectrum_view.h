// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_spectrum/spectrum_data.h"

class QBoxLayout;

namespace qscope {

/// Singular values of the selected weight and of the selected result, what they hold, and the entropy over all cuts.
class SpectrumView : public ViewPage {
    Q_OBJECT
public:
    SpectrumView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showSpectra();
    void showEntropies();
    void showTable();
    [[nodiscard]] QString nameOf(SpectrumOf of) const;
    [[nodiscard]] PlotLayer layerOf(const Spectrum& spectrum, std::vector<double> y) const;

    QBoxLayout* m_outer;
    QBoxLayout* m_side;
    PlotArea* m_values;
    PlotArea* m_held;
    PlotArea* m_entropies;
    NumberTable* m_table;
    std::vector<Spectrum> m_spectra;
    engine::MatrixShape m_matrix;
    QString m_label; ///< of the method
    int m_method = -1;
    bool m_log = true;
};

} // namespace qscope
