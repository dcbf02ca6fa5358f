// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/other_states.h"
#include "plugins/sdk/format.h"
#include "plugins/view_evolution/evolution_page.h"
#include "plugins/view_evolution/evolution_views.h"
#include "plugins/view_evolution/step_heatmap.h"

#include <QSpinBox>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kColumns = 1024;
constexpr int kBond = 64; ///< quick on any circuit; what it cuts off shows as a lost fidelity

/// Bond dimensions of the circuit's matrix product state after every operation.
class BondsView : public EvolutionPage {
public:
    BondsView(ViewContext& viewContext, QWidget* parent)
        : EvolutionPage(viewContext, tr("MPS bonds"), tr("the bond dimensions of its matrix product state"), parent)
        , m_map(new StepHeatmap(viewContext, &body()))
        , m_bond(new QSpinBox(this)) {
        m_bond->setRange(1, 4096);
        m_bond->setValue(kBond);
        m_bond->setKeyboardTracking(false);
        m_bond->setPrefix(tr("χ ≤ "));
        m_bond->setAccessibleName(tr("Largest bond dimension"));
        m_bond->setToolTip(tr("Singular values kept at a bond; what is dropped lowers the fidelity"));
        header().addWidget(m_bond);
        addHelp(header(),
                tr("A matrix product state writes an amplitude as a product of matrices, one per site; the bond "
                   "dimension χ between two sites is the number of singular values kept there: the Schmidt rank of "
                   "that cut unless it was truncated. The colour is log₂ χ, which bounds the entanglement entropy in "
                   "bits.\n\n"
                   "Gates on distant qubits move them together along the chain, so sites hold changing qubits; the "
                   "read-out names the places. The fidelity is a lower bound of |⟨exact|kept⟩|², from the angles of "
                   "all truncations.\n\n"
                   "Source: Vidal, Phys. Rev. Lett. 91, 147902 (2003); Schollwöck, Ann. Phys. 326, 96 (2011)."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_map);
        connect(m_bond, &QSpinBox::valueChanged, this, [this] { invalidate(); });
        connect(m_map, &Heatmap::clicked, this, [this](qint64, qint64 column) {
            if (column >= 0) selectStep(static_cast<std::int64_t>(m_map->steps()[static_cast<std::size_t>(column)]));
        });
        m_map->setReadout([this](const TileRequest& cell, std::optional<float> value) {
            const auto column =
                static_cast<std::size_t>(std::min<std::int64_t>(cell.column, m_map->info().columns - 1));
            const auto step = m_map->steps()[column];
            QString text = tr("after %1 operations").arg(formatInteger(static_cast<std::int64_t>(step)));
            if (step > 0) text += QStringLiteral(": ") + operationText(step - 1);
            text += QStringLiteral("\n") + tr("between sites %1 and %2").arg(cell.row).arg(cell.row + 1);
            if (value)
                text += QStringLiteral("\n") +
                        tr("χ = %1").arg(formatInteger(std::lround(std::exp2(static_cast<double>(*value)))));
            if (column < m_fidelity.size())
                text += QStringLiteral("\n") + tr("fidelity ≥ %1").arg(formatNumber(m_fidelity[column], 6));
            return text;
        });
    }

protected:
    void showCircuit(const Circuit& circuit) override {
        if (circuit->qubits < 2) return showEmpty(tr("One qubit alone makes no chain, so it has no bonds."));
        run(
            tr("Bonds along the circuit"),
            [circuit, bond = m_bond->value()](const RunContext& context) {
                engine::SimulationRequest request;
                request.bond = bond;
                return engine::bondHistory(*circuit, request, kColumns, context);
            },
            [this, circuit](engine::BondHistory history) { show(*circuit, history); });
    }
    void followSelection() override { m_map->showStep(step(), -1); }

private:
    void show(const engine::Circuit& circuit, engine::BondHistory& history) {
        HeatmapInfo info;
        info.rowTitle = tr("Bond right of site");
        info.columnTitle = tr("Operations applied");
        info.valueTitle = tr("log₂ χ");
        info.marginalTitle = tr("most");
        const std::size_t width = history.steps.size();
        std::vector<float> cells;
        for (const int bond : history.bonds) cells.push_back(std::log2(static_cast<float>(bond)));
        const int most = *std::ranges::max_element(history.bonds);
        info.limit = std::max(1.0, std::log2(most));
        for (int site = 0; site + 1 < history.qubits; ++site) {
            const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(site) * width);
            info.rowMarginal.push_back(*std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)));
        }
        if (width < circuit.operations.size() + 1)
            info.note = tr("%1 of %2 steps")
                            .arg(formatInteger(static_cast<std::int64_t>(width)),
                                 formatInteger(static_cast<std::int64_t>(circuit.operations.size() + 1)));
        m_fidelity = std::move(history.fidelity);
        header().setSubject(tr("largest bond χ = %1, fidelity at the end ≥ %2%3")
                                .arg(formatInteger(most), formatNumber(m_fidelity.back(), 6),
                                     most >= m_bond->value() ? tr(" (truncated)") : QString()));
        m_map->setCells(std::move(info), std::move(cells), std::move(history.steps));
        followSelection();
        showBody();
    }

    StepHeatmap* m_map;
    QSpinBox* m_bond;
    std::vector<double> m_fidelity; ///< per column
};

} // namespace

QWidget* makeBondsView(ViewContext& context, QWidget* parent) { return new BondsView(context, parent); }

} // namespace qscope
