// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <algorithm>

namespace qscope {

namespace {

/// Entanglement entropy of every cut into low and high qubits, with the most that the cut can have.
class EntropyView : public StatePage {
public:
    EntropyView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Entanglement"), tr("how entangled its parts are"), parent)
        , m_plot(new PlotArea(viewContext, &body())) {
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_plot);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        if (simulation.qubits < 2)
            return showEmpty(tr("One qubit alone cannot be cut in two, so it has no entanglement entropy."));
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::entanglementEntropies(state, run);
            },
            [this, qubits = simulation.qubits](const std::vector<double>& entropies) { show(entropies, qubits); });
    }

private:
    void show(const std::vector<double>& entropies, int qubits) {
        PlotLayer bars{Mark::Bars, tr("Entropy"), Ink::of(Role::Muted), {}, {}};
        PlotLayer bound{Mark::Points, tr("Bound min(k, n − k)"), Ink::of(Role::Text), {}, {}};
        bound.interactive = false;
        bound.shape = 3;
        Axis xAxis, yAxis;
        xAxis.title = tr("Cut k: qubits below k | qubits from k on");
        yAxis.title = tr("Entanglement entropy");
        yAxis.unit = tr("bits");
        for (int k = 1; k < qubits; ++k) {
            // Each bar stands on its cut with a gap on both sides: edges of an empty bar lie between two bars.
            bars.x.insert(bars.x.end(), {k - 0.35, k + 0.35});
            bars.y.insert(bars.y.end(), {std::max(0.0, entropies[static_cast<std::size_t>(k - 1)]), 0.0});
            bound.x.push_back(k);
            bound.y.push_back(std::min(k, qubits - k));
            xAxis.fixedTicks.push_back({static_cast<double>(k), true, QString::number(k)});
        }
        bars.y.pop_back();
        m_plot->setAxes(xAxis, yAxis);
        m_plot->setFullRange(Range{0.4, qubits - 0.4}, Range{0, qubits / 2 * 1.08});
        m_plot->setReadout([entropies, qubits](const PlotArea::Hit& hit) {
            const int k = hit.index / 2 + 1;
            return tr("qubits 0…%1 | %2…%3\n%4 of at most %5 bits")
                .arg(k - 1)
                .arg(k)
                .arg(qubits - 1)
                .arg(formatNumber(entropies[static_cast<std::size_t>(k - 1)], 6))
                .arg(std::min(k, qubits - k));
        });
        m_plot->setLayers({bars, bound});
    }

    PlotArea* m_plot;
};

} // namespace

QWidget* makeEntropyView(ViewContext& context, QWidget* parent) { return new EntropyView(context, parent); }

} // namespace qscope
