// SPDX-License-Identifier: GPL-3.0-or-later
// What the user does to the bars, and what comes of it in the plan.
#include "plugins/view_bit_allocation/bit_allocation_view.h"

#include <QDoubleSpinBox>

namespace qscope {

void BitAllocationView::preview(int bar, int bits) {
    const Place place = m_places[static_cast<std::size_t>(bar)];
    m_shown = m_allocation;
    setWidth(m_shown, place.first, place.count, m_method, bits, m_costs);
    show();
}

void BitAllocationView::commit(int bar, int bits) {
    preview(bar, bits);
    edit(m_shown, tr("%1 bits for %2").arg(bits).arg(m_bars->bars()[static_cast<std::size_t>(bar)].name));
}

void BitAllocationView::edit(const Allocation& wanted, const QString& text) {
    const auto changed = changes(m_allocation, wanted);
    if (!changed.empty()) m_editing->edit(withMethods(m_editing->plan(), changed, m_method.spec), text);
}

void BitAllocationView::evenOut() {
    Allocation even = m_allocation;
    for (std::size_t i = 0; i < even.tensors.size(); ++i)
        if (even.tensors[i].width) setWidth(even, i, 1, m_method, m_method.bits, m_costs);
    edit(even, tr("The same bits for all tensors"));
}

void BitAllocationView::fill() {
    m_problem.clear();
    runJob(
        *m_measuring, tr("Filling %1 bits per weight").arg(m_target->value()),
        [target = m_target->value(), allocation = m_allocation, method = m_method, costs = m_costs, goal = goal(),
         sensitivity = m_sensitivity](const RunContext& context) {
            return fillTo(target, allocation, method, costs, goal, sensitivity ? &*sensitivity : nullptr, context);
        },
        [this, before = m_allocation,
         text = tr("Fill %1 bits per weight").arg(m_target->value())](Result<Allocation>&& filled) {
            if (!filled) {
                m_problem = QString::fromStdString(describe(filled.error()));
                return showTotals();
            }
            if (changes(before, m_allocation).empty()) edit(*filled, text); // else the plan was edited meanwhile
        });
}

void BitAllocationView::select(int bar) {
    const Place& place = m_places[static_cast<std::size_t>(bar)];
    Selection selection = context().selection();
    const bool isTensor = m_bars->bars()[static_cast<std::size_t>(bar)].isTensor;
    const auto tensor = static_cast<std::int64_t>(m_allocation.tensors[place.first].tensor);
    if (isTensor && selection.tensor != tensor) {
        selection.tensor = tensor;
        selection.row = selection.column = -1;
    }
    selection.layer = place.layer;
    context().select(selection);
}

void BitAllocationView::toggle(int bar) {
    const int layer = m_places[static_cast<std::size_t>(bar)].layer;
    if (!m_open.erase(layer)) m_open.insert(layer);
    show();
}

} // namespace qscope
