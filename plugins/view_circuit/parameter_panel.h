// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm/edit.h"
#include "plugins/sdk/circuit_text.h"

#include <QWidget>

class QDoubleSpinBox;
class QGridLayout;
class QLabel;
class QSlider;

namespace qscope {

/// Sliders: one for each input of the circuit, whose value is not in the text, and one for each number among the
/// parameters of the selected gate, which is written into the text. Hides itself when there is neither.
class ParameterPanel : public QWidget {
    Q_OBJECT
public:
    ParameterPanel(ViewContext& context, CircuitText& text, QWidget* parent);
    void refresh();

private:
    struct Row {
        QString key; ///< of what it stands for; rows stay as long as these do
        QSlider* slider = nullptr;
        QDoubleSpinBox* box = nullptr;
        int begin = 0, end = 0; ///< of the number in the text
        bool input = false;
    };
    void makeRow(const QString& key, const QString& label, const QString& tip, bool whole, bool input);
    void setValue(const Row& row, double value);
    void change(std::size_t row, double value);

    ViewContext& m_context;
    CircuitText& m_text;
    QGridLayout* m_layout;
    QLabel* m_title;
    std::vector<Row> m_rows;
    QStringList m_keys;
    bool m_own = false; ///< the edit that comes back is this panel's
};

} // namespace qscope
