// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/tensor_subject.h"

#include <QScrollArea>

#include <memory>
#include <vector>

class QHBoxLayout;

namespace qscope {

/// Histogram of ŵ − w of each method over common bins. The last index is the bin.
struct ErrorHistograms {
    std::vector<double> edges;
    std::vector<int> methods; ///< those that treated the tensor
    std::vector<std::vector<double>> counts;
};
/// Over [-largest error of all methods, +it], `bins` (odd: zero has a bin of its own) equal bins. All cores.
[[nodiscard]] Result<ErrorHistograms> countErrors(const TensorSubject& subject, int bins, const RunContext& context);

/// One small histogram of the error per method on the selected tensor, side by side with the same axes: hovering and
/// zooming go together, a click selects the method.
class ErrorMultiples : public QScrollArea {
    Q_OBJECT
public:
    ErrorMultiples(ViewContext& context, QWidget* parent = nullptr);

    /// Counts anew only when the tensor or the report is another.
    void showTensor(const TensorSubject& subject);
    /// What would be here, in place of the charts.
    void showText(const QString& text);
    void markMethod(int method);

signals:
    void methodChosen(int method);

private:
    void showHistograms(const TensorSubject& subject, const ErrorHistograms& histograms);
    void arrange(std::size_t count);

    ViewContext& m_context;
    QWidget* m_row;
    QHBoxLayout* m_layout;
    EmptyState* m_empty;
    std::vector<PlotArea*> m_plots;
    std::vector<int> m_methods;                            ///< of each plot on show
    std::shared_ptr<const engine::CompareReport> m_report; ///< what was counted, or is being counted
    std::int64_t m_tensor = -1;
    std::unique_ptr<Jobs> m_jobs;
    BusyVeil* m_veil;
};

} // namespace qscope
