// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/number_table.h"
#include "plugins/view_propagation/propagation_model.h"

#include <QWidget>

class QLabel;

namespace qscope {

/// The error of one method as a heatmap, layers down and tokens across, and the worst channels of the selected cell.
class TokenErrors : public QWidget {
    Q_OBJECT
public:
    explicit TokenErrors(ViewContext& context, QWidget* parent = nullptr);

    void show(std::shared_ptr<const engine::PropagationReport> report, int method);
    /// After a change of the selected layer or token.
    void showSelection();
    /// Its height is shared out by the view; wrapped text must not claim its own.
    [[nodiscard]] bool hasHeightForWidth() const override { return false; }

private:
    [[nodiscard]] QString readout(const TileRequest& cell, std::optional<float> value) const;
    void selectCell(std::int64_t row, std::int64_t column);

    ViewContext& m_context;
    std::shared_ptr<const engine::PropagationReport> m_report;
    int m_method = -1;
    TokenMatrix m_matrix;
    Heatmap* m_heatmap;
    QLabel* m_title;
    NumberTable* m_worst;
};

} // namespace qscope
