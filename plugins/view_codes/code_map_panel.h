// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/tensor.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/view_codes/code_use.h"

#include <memory>

class QComboBox;

namespace qscope {

/// One of the maps that go with codes, chosen from a list; hidden when there is none.
class CodeMapPanel : public QWidget {
    Q_OBJECT
public:
    CodeMapPanel(ViewContext& context, QWidget* parent);

    /// `matrix`: shape of the tensor.
    void showUse(std::shared_ptr<const CodeUse> use, const engine::MatrixShape& matrix);
    /// Marks the context's row and column.
    void showSelection();

private:
    enum class Map { Scales, Zeros, Tables, Apart };

    void showMap();
    void showApart();
    void selectAt(std::int64_t row, std::int64_t column);
    [[nodiscard]] Map chosen() const;
    [[nodiscard]] const CodeMap& map() const;

    ViewContext& m_context;
    QComboBox* m_choice;
    Heatmap* m_map;
    std::shared_ptr<const CodeUse> m_use;
    engine::MatrixShape m_matrix;
};

} // namespace qscope
