// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/entanglement.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QSplitter>

#include <algorithm>

namespace qscope {

namespace {

constexpr double kLeast = 1e-16; ///< Schmidt probabilities below are rounding noise
constexpr std::size_t kMostSchmidt = 1024;

struct Entanglement {
    std::vector<double> entropies;            ///< of cut k at k - 1
    std::vector<std::vector<double>> spectra; ///< Schmidt probabilities alike, descending
};

/// Entanglement entropy of every cut into low and high qubits, and the Schmidt spectrum of the chosen one.
class EntropyView : public StatePage {
public:
    EntropyView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Entanglement"), tr("how entangled its parts are"), parent)
        , m_plot(new PlotArea(viewContext, &body()))
        , m_spectrum(new PlotArea(viewContext, &body())) {
        addHelp(header(),
                tr("Cut k parts qubits below k from the others. Across a cut a pure state is Σ sᵢ|aᵢ⟩|bᵢ⟩ with "
                   "orthonormal sides (Schmidt decomposition); pᵢ = sᵢ² are the eigenvalues of either side's reduced "
                   "state.\n\n"
                   "The entanglement entropy is S = −Σ pᵢ log₂ pᵢ in bits, at most min(k, n − k). The number of pᵢ "
                   "above 0 is the Schmidt rank: the bond dimension that a matrix product state needs at that cut.\n\n"
                   "Click a bar to see the spectrum of its cut; the cut above the selected qubit is shown first. "
                   "Source: Nielsen and Chuang, sections 2.5 and 11.3."));
        m_plot->setAccessibleName(tr("Entropies"));
        m_spectrum->setAccessibleName(tr("Schmidt spectrum"));
        auto* split = new QSplitter(Qt::Vertical, &body());
        split->addWidget(m_plot);
        split->addWidget(m_spectrum);
        split->setChildrenCollapsible(false);
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(split);
        connect(m_plot, &PlotArea::clicked, this, [this](PlotArea::Hit hit) { selectCut(hit.index / 2 + 1); });
        connect(&viewContext, &ViewContext::selectionChanged, this, [this](const Selection& before) {
            if (before.qubit != context().selection().qubit && m_qubits > 1) showPlots();
        });
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        if (simulation.qubits < 2)
            return showEmpty(tr("One qubit alone cannot be cut in two, so it has no entanglement entropy."));
        if (simulation.qubits > 20)
            return showEmpty(
                tr("Entropies of all cuts are computed for up to 20 qubits; this state has %1. The mutual "
                   "information of its qubits and the bonds of its matrix product state have views of their own.")
                    .arg(simulation.qubits));
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) -> Result<Entanglement> {
                Entanglement all;
                QSCOPE_TRY(const auto amplitudes, engine::allAmplitudes(state, run));
                run.progress.total = state.qubits - 1;
                for (int cut = 1; cut < state.qubits; ++cut) {
                    QSCOPE_TRY(auto spectrum, engine::schmidtProbabilities(amplitudes, state.qubits, cut, run));
                    all.entropies.push_back(engine::entropyBits(spectrum));
                    std::erase_if(spectrum, [](double p) { return p < kLeast; });
                    all.spectra.push_back(std::move(spectrum));
                    run.progress.done.store(cut, std::memory_order_relaxed);
                }
                return all;
            },
            [this, qubits = simulation.qubits](Entanglement entanglement) {
                m_qubits = qubits;
                m_data = std::move(entanglement);
                showPlots();
            });
    }

private:
    /// The cut whose spectrum is shown: below the selected qubit, else the most entangled one.
    [[nodiscard]] int chosenCut() const {
        const int qubit = context().selection().qubit;
        if (qubit >= 0 && qubit < m_qubits) return std::clamp(qubit + 1, 1, m_qubits - 1);
        return static_cast<int>(std::ranges::max_element(m_data.entropies) - m_data.entropies.begin()) + 1;
    }
    void selectCut(int cut) {
        Selection selection = context().selection();
        selection.qubit = cut - 1;
        context().select(selection);
    }

    void showPlots() {
        showEntropies();
        showSpectrum(chosenCut());
    }

    void showEntropies() {
        PlotLayer bars{Mark::Bars, tr("Entropy"), Ink::of(Role::Muted), {}, {}};
        PlotLayer bound{Mark::Points, tr("Bound min(k, n − k)"), Ink::of(Role::Text), {}, {}};
        bound.interactive = false;
        bound.shape = 3;
        Axis xAxis, yAxis;
        xAxis.title = tr("Cut k: qubits below k | qubits from k on");
        yAxis.title = tr("Entanglement entropy");
        yAxis.unit = tr("bits");
        for (int k = 1; k < m_qubits; ++k) {
            // Each bar stands on its cut with a gap on both sides: edges of an empty bar lie between two bars.
            bars.x.insert(bars.x.end(), {k - 0.35, k + 0.35});
            bars.y.insert(bars.y.end(), {m_data.entropies[static_cast<std::size_t>(k - 1)], 0.0});
            bound.x.push_back(k);
            bound.y.push_back(std::min(k, m_qubits - k));
            xAxis.fixedTicks.push_back({static_cast<double>(k), true, QString::number(k)});
        }
        bars.y.pop_back();
        bars.selected = 2 * (chosenCut() - 1);
        m_plot->setAxes(xAxis, yAxis);
        m_plot->setFullRange(Range{0.4, m_qubits - 0.4}, Range{0, m_qubits / 2 * 1.08});
        m_plot->setReadout([this](const PlotArea::Hit& hit) {
            const int k = hit.index / 2 + 1;
            return tr("qubits 0…%1 | %2…%3\n%4 of at most %5 bits\nSchmidt rank %6")
                .arg(k - 1)
                .arg(k)
                .arg(m_qubits - 1)
                .arg(formatNumber(m_data.entropies[static_cast<std::size_t>(k - 1)], 6))
                .arg(std::min(k, m_qubits - k))
                .arg(formatInteger(static_cast<std::int64_t>(m_data.spectra[static_cast<std::size_t>(k - 1)].size())));
        });
        m_plot->setLayers({bars, bound});
    }

    void showSpectrum(int cut) {
        const auto& spectrum = m_data.spectra[static_cast<std::size_t>(cut - 1)];
        PlotLayer points{Mark::Points, tr("Schmidt probability"), Ink::of(Role::Text), {}, {}};
        for (std::size_t i = 0; i < std::min(spectrum.size(), kMostSchmidt); ++i) {
            points.x.push_back(static_cast<double>(i + 1));
            points.y.push_back(spectrum[i]);
        }
        Axis xAxis, yAxis;
        xAxis.title = tr("Schmidt index i");
        xAxis.whole = true;
        yAxis.title = tr("pᵢ of cut %1").arg(cut);
        yAxis.scale = Scale::Log;
        m_spectrum->setTitle(tr("Schmidt spectrum of qubits 0…%1 | %2…%3: rank %4")
                                 .arg(cut - 1)
                                 .arg(cut)
                                 .arg(m_qubits - 1)
                                 .arg(formatInteger(static_cast<std::int64_t>(spectrum.size()))));
        m_spectrum->setAxes(xAxis, yAxis);
        m_spectrum->setFullRange(Range{0.5, std::max(2.0, static_cast<double>(points.x.size())) + 0.5},
                                 Range{std::max(kLeast, 0.2 * spectrum.back()), 2});
        m_spectrum->setReadout([spectrum](const PlotArea::Hit& hit) {
            const double p = spectrum[static_cast<std::size_t>(hit.index)];
            return tr("i = %1\np = %2\nSchmidt coefficient s = %3")
                .arg(hit.index + 1)
                .arg(formatNumber(p, 6), formatNumber(std::sqrt(p), 6));
        });
        m_spectrum->setLayers({points});
    }

    PlotArea* m_plot;
    PlotArea* m_spectrum;
    Entanglement m_data;
    int m_qubits = 0;
};

} // namespace

QWidget* makeEntropyView(ViewContext& context, QWidget* parent) { return new EntropyView(context, parent); }

} // namespace qscope
