// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/plan_editing.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_bit_allocation/allocation.h"
#include "plugins/view_bit_allocation/bit_bars.h"

#include <QTimer>

#include <set>

class QAction;
class QComboBox;
class QDoubleSpinBox;
class QLabel;

namespace qscope {

/// How many bits each layer and tensor gets from a method of the plan: edited by hand or filled to a budget, with the
/// size and the quality that come of it. Edits become rules of the plan.
class BitAllocationView : public ViewPage {
    Q_OBJECT
public:
    BitAllocationView(ViewContext& context, QWidget* parent);
    ~BitAllocationView() override;

protected:
    void refresh() override;

private:
    /// What a bar stands for.
    struct Place {
        std::size_t first = 0, count = 1;
        int layer = -1;
    };

    void makeHeader();
    void makeBody();
    /// Chooses the method among those of the plan; false: there is none, and the view says so.
    bool chooseMethod();
    /// Starts what is still to be known about the plan's methods.
    void findCosts();
    void measureCosts();
    void adopt();
    void show();
    using QWidget::show;
    void showTotals();
    void showProgress();
    [[nodiscard]] BitBar barOf(const Place& place, bool isTensor, double total, double reference) const;
    [[nodiscard]] Goal goal() const;
    /// That of the method's result; before there is one, of its place in the plan.
    [[nodiscard]] int colorIndex() const;
    void preview(int bar, int bits);
    void commit(int bar, int bits);
    void edit(const Allocation& wanted, const QString& text);
    void evenOut();
    void fill();
    void select(int bar);
    void toggle(int bar);

    PlanEditing* m_editing;
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    AdjustableMethod m_method;
    CostTable m_costs; ///< of the plans in `m_sized`, with errors for those in `m_measured`
    std::vector<engine::Plan> m_plans, m_sized, m_measured;
    std::optional<Sensitivity> m_sensitivity;
    Allocation m_allocation;     ///< the plan's
    Allocation m_shown;          ///< with what is being dragged
    std::vector<Place> m_places; ///< by bar
    std::set<int> m_open;        ///< layers
    bool m_asked = false;        ///< to measure a model that is not measured by itself
    QString m_problem;           ///< why measuring or filling failed

    QComboBox* m_methods;
    QComboBox* m_goal;
    QDoubleSpinBox* m_target;
    QAction *m_fill, *m_even, *m_measure;
    BitBars* m_bars;
    QLabel *m_size, *m_quality, *m_formula;
    QTimer m_poll;
    std::unique_ptr<Jobs> m_measuring;
};

} // namespace qscope
