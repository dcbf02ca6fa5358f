// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/view_help.h"
#include "plugins/sdk/widgets/view_page.h"

#include <QVBoxLayout>

namespace qscope {

/// What views of a whole circuit share: they compute when the circuit changes, not when its step does, and say what is
/// missing. The shared step is a place in their pictures.
class EvolutionPage : public ViewPage {
protected:
    using Circuit = std::shared_ptr<const engine::Circuit>;

    /// `what` completes "Open a circuit to see ...".
    EvolutionPage(ViewContext& context, const QString& title, const QString& what, QWidget* parent);

    /// Starts the work for a circuit, or says why there is none.
    virtual void showCircuit(const Circuit& circuit) = 0;
    /// The step or qubit of the shared selection is another one.
    virtual void followSelection() {}
    void refresh() final;

    /// Operations applied now; without a selection all of them.
    [[nodiscard]] std::int64_t step() const;
    void selectStep(std::int64_t step);
    /// "cx q1, q3" of an operation as written, for read-outs.
    [[nodiscard]] QString operationText(std::size_t operation) const;

private:
    QString m_what;
};

/// Name and qubits of an operation.
[[nodiscard]] QString textOf(const engine::Operation& operation);

} // namespace qscope
