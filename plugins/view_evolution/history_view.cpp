// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/entanglement.h"
#include "plugins/sdk/format.h"
#include "plugins/view_evolution/evolution_page.h"
#include "plugins/view_evolution/evolution_views.h"
#include "plugins/view_evolution/step_heatmap.h"

#include <algorithm>

namespace qscope {

namespace {

constexpr int kMostQubits = 20;
constexpr int kColumns = 1024; ///< up to here every operation is a column
constexpr int kWide = 14;      ///< from so many qubits on one column takes long
constexpr int kWideColumns = 160;

/// Entanglement entropy of every cut after every operation.
class HistoryView : public EvolutionPage {
public:
    HistoryView(ViewContext& viewContext, QWidget* parent)
        : EvolutionPage(viewContext, tr("Entropy along the circuit"), tr("how entanglement grows along it"), parent)
        , m_map(new StepHeatmap(viewContext, &body())) {
        addHelp(header(),
                tr("Entanglement entropy S = −Σ pᵢ log₂ pᵢ in bits of every cut k (qubits below k against the others) "
                   "after each operation, pᵢ the Schmidt probabilities across the cut. At most min(k, n − k); the "
                   "colours run up to what this circuit reaches.\n\n"
                   "Only operations across a cut can change it. Where the circuit measures on the way, the picture is "
                   "that of shot 0. Bars on the right: the most that the cut reaches.\n\n"
                   "Click a column to go to its step, and a row to select the qubit below the cut. Source: Nielsen "
                   "and Chuang, sections 2.5 and 11.3."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_map);
        connect(m_map, &Heatmap::clicked, this, [this](qint64 row, qint64 column) {
            Selection selection = context().selection();
            if (row >= 0) selection.qubit = static_cast<int>(row);
            if (column >= 0)
                selection.step = static_cast<std::int64_t>(m_map->steps()[static_cast<std::size_t>(column)]);
            context().select(selection);
        });
        m_map->setReadout([this](const TileRequest& cell, std::optional<float> value) {
            const auto step =
                m_map
                    ->steps()[static_cast<std::size_t>(std::min<std::int64_t>(cell.column, m_map->info().columns - 1))];
            QString text = tr("after %1 operations").arg(formatInteger(static_cast<std::int64_t>(step)));
            if (step > 0) text += QStringLiteral(": ") + operationText(step - 1);
            text += QStringLiteral("\n") + tr("cut %1 of %2 qubits").arg(cell.row + 1).arg(m_map->info().rows + 1);
            if (value) text += QStringLiteral("\n") + tr("%1 bits").arg(formatNumber(static_cast<double>(*value), 5));
            return text;
        });
    }

protected:
    void showCircuit(const Circuit& circuit) override {
        if (circuit->qubits < 2)
            return showEmpty(tr("One qubit alone cannot be cut in two, so it has no entanglement entropy."));
        if (circuit->qubits > kMostQubits)
            return showEmpty(
                tr("Entropies along a circuit are computed for up to %1 qubits; this one has %2. For larger ones the "
                   "bonds of its matrix product state show where entanglement grows.")
                    .arg(kMostQubits)
                    .arg(circuit->qubits));
        run(
            tr("Entropy along the circuit"),
            [circuit](const RunContext& context) {
                return engine::entropyHistory(*circuit, {}, circuit->qubits < kWide ? kColumns : kWideColumns, context);
            },
            [this, circuit](engine::EntropyHistory history) { show(*circuit, history); });
    }
    void followSelection() override { m_map->showStep(step(), context().selection().qubit); }

private:
    void show(const engine::Circuit& circuit, engine::EntropyHistory& history) {
        HeatmapInfo info;
        info.rowTitle = tr("Cut k");
        info.columnTitle = tr("Operations applied");
        info.valueTitle = tr("S in bits");
        info.marginalTitle = tr("most");
        const std::size_t width = history.steps.size();
        std::vector<float> cells(history.bits.begin(), history.bits.end());
        for (int cut = 1; cut < history.qubits; ++cut) {
            info.rowNames.push_back(QString::number(cut));
            const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(cut - 1) * width);
            info.rowMarginal.push_back(*std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)));
        }
        if (width < circuit.operations.size() + 1)
            info.note = tr("%1 of %2 steps")
                            .arg(formatInteger(static_cast<std::int64_t>(width)),
                                 formatInteger(static_cast<std::int64_t>(circuit.operations.size() + 1)));
        const float most = *std::ranges::max_element(cells);
        info.limit = most > 1e-6F ? static_cast<double>(most) : 1;
        header().setSubject(tr("at most %1 bits, where %2 are possible")
                                .arg(formatNumber(static_cast<double>(most)))
                                .arg(history.qubits / 2));
        m_map->setCells(std::move(info), std::move(cells), std::move(history.steps));
        followSelection();
        showBody();
    }

    StepHeatmap* m_map;
};

} // namespace

QWidget* makeHistoryView(ViewContext& context, QWidget* parent) { return new HistoryView(context, parent); }

} // namespace qscope
