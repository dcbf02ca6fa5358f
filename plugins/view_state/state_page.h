// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"
#include "plugins/sdk/widgets/view_page.h"

#include <QVBoxLayout>

namespace qscope {

/// What all views of a state share: they follow the simulation, compute while shown, keep their last picture until the
/// next one is ready, and say what is missing.
class StatePage : public ViewPage {
protected:
    /// `what` completes "Open a circuit to see ...".
    StatePage(ViewContext& context, const QString& title, const QString& what, QWidget* parent);

    /// Starts the work for a state (`compute`) or shows what needs none.
    virtual void showState(const engine::SimulationResult& simulation) = 0;
    void refresh() final;

    /// Runs `work(state, context)` off the window's thread; `show` gets its value on it.
    template<class Work, class Show>
    void compute(const engine::StateSnapshot& state, Work work, Show show) {
        run(
            m_title, [state, work](const RunContext& context) { return work(state, context); },
            [this, show](auto&& value) {
                show(std::move(value));
                showPicture();
            });
    }

    void showPicture();
    /// "after 3 of 12 operations" for the header.
    [[nodiscard]] QString moment() const;

private:
    QString m_title;
    QString m_what;
    bool m_hasPicture = false; ///< of the circuit that is open now
};

/// |bits⟩ of a basis state, qubit 0 rightmost.
[[nodiscard]] QString ket(std::uint64_t index, int qubits);

} // namespace qscope
