// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/distance.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bar_list.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QAction>
#include <QLabel>
#include <QSplitter>

#include <algorithm>
#include <cmath>
#include <map>

namespace qscope {

namespace {

constexpr int kMostStates = 128;

struct Comparison {
    engine::StateDistance distance;
    std::vector<double> qubitDistances;                            ///< trace distances of the reduced states
    std::vector<std::tuple<std::uint64_t, double, double>> states; ///< index, probability in A, in B
};

/// The probability of one basis state.
Result<double> probabilityOf(const engine::StateSnapshot& state, std::uint64_t index, const RunContext& run) {
    std::complex<double> amplitude;
    QSCOPE_CHECK(run.backend.amplitudes(*state.buffer, index, {&amplitude, 1}));
    return std::norm(amplitude);
}

Result<Comparison> compared(const engine::StateSnapshot& a, const engine::StateSnapshot& b, const RunContext& run) {
    Comparison result;
    QSCOPE_TRY(result.distance, engine::distanceOf(a, b, run));
    QSCOPE_TRY(const auto vectorsA, engine::blochVectors(a, run));
    QSCOPE_TRY(const auto vectorsB, engine::blochVectors(b, run));
    for (std::size_t qubit = 0; qubit < vectorsA.size(); ++qubit)
        result.qubitDistances.push_back(engine::traceDistance(vectorsA[qubit], vectorsB[qubit]));
    std::map<std::uint64_t, double> largest; // of either state
    for (const auto* state : {&a, &b}) {
        QSCOPE_TRY(const auto found, engine::largestAmplitudes(*state, kMostStates, run));
        for (const auto& [index, value] : found) largest[index] = std::max(largest[index], std::norm(value));
    }
    for (const auto& [index, most] : largest) {
        if (most < 1e-12) continue;
        QSCOPE_TRY(const double inA, probabilityOf(a, index, run));
        QSCOPE_TRY(const double inB, probabilityOf(b, index, run));
        result.states.emplace_back(index, inA, inB);
    }
    return result;
}

/// A state that was kept beside the one at hand.
class CompareView : public StatePage {
public:
    CompareView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Two states"), tr("two of its states side by side"), parent)
        , m_keep(new QAction(tr("Keep this state as A"), this))
        , m_facts(new QLabel(&body()))
        , m_bars(new BarList(viewContext, tr("Probabilities of two states"), tr("Probability"), &body()))
        , m_plot(new PlotArea(viewContext, &body())) {
        m_keep->setToolTip(
            tr("Keeps the state at hand as A; then step on, or open another circuit, to see it beside B"));
        header().addAction(m_keep);
        addHelp(header(),
                tr("A is the state that was kept, B the state at hand.\n\n"
                   "Fidelity F = |⟨A|B⟩|². Trace distance ½ tr|ρ − σ|, for pure states √(1 − F): half the sum of the "
                   "absolute eigenvalues of the difference, and the most by which any measurement can tell them apart. "
                   "Total variation ½ Σ|pᵢ − qᵢ|: the same for measuring all qubits as they stand.\n\n"
                   "Below: the trace distance of each qubit's reduced states, half the distance of their Bloch "
                   "vectors. A global phase changes none of these.\n\n"
                   "Source: Nielsen and Chuang, section 9.2."));
        m_facts->setFont(Theme::figures());
        m_facts->setContentsMargins(8, 4, 8, 4);
        m_facts->setTextInteractionFlags(Qt::TextSelectableByMouse);
        m_facts->setWordWrap(true);
        m_facts->setAccessibleName(tr("Distance of the two states"));
        m_plot->setAccessibleName(tr("Distance by qubit"));
        auto* split = new QSplitter(Qt::Vertical, &body());
        split->addWidget(m_bars);
        split->addWidget(m_plot);
        split->setChildrenCollapsible(false);
        split->setStretchFactor(0, 3);
        split->setStretchFactor(1, 2);
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(0);
        layout->addWidget(m_facts);
        layout->addWidget(split, 1);
        connect(m_keep, &QAction::triggered, this, [this] {
            m_kept = context().simulation();
            m_keptMoment = moment();
            invalidate();
        });
        connect(m_plot, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
            Selection selection = context().selection();
            selection.qubit = hit.index / 2;
            context().select(selection);
        });
        connect(&viewContext, &ViewContext::selectionChanged, this, [this](const Selection& before) {
            if (before.qubit != context().selection().qubit && !m_distances.empty()) showDistances();
        });
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        m_keep->setEnabled(true);
        if (!m_kept)
            return showEmpty(
                tr("Keep this state, then step through the circuit or open another one: fidelity, trace distance "
                   "and probabilities of both will stand here side by side."),
                tr("Keep this state as A"), [this] { m_keep->trigger(); });
        if (m_kept->qubits != simulation.qubits)
            return showEmpty(
                tr("The kept state has %1 qubits, this one %2: only states of equally many qubits can be compared.")
                    .arg(m_kept->qubits)
                    .arg(simulation.qubits),
                tr("Keep this state as A"), [this] { m_keep->trigger(); });
        header().setSubject(tr("A: %1   B: %2").arg(m_keptMoment, moment()));
        compute(
            simulation.state,
            [kept = m_kept](const engine::StateSnapshot& state, const RunContext& run) {
                return compared(kept->state, state, run);
            },
            [this, qubits = simulation.qubits](Comparison result) { show(std::move(result), qubits); });
    }

private:
    void show(Comparison result, int qubits) {
        const auto& [fidelity, trace, variation] = result.distance;
        m_facts->setText(tr("Fidelity %1    Trace distance %2    Total variation %3")
                             .arg(formatNumber(fidelity, 6), formatNumber(trace, 6), formatNumber(variation, 6)));
        std::ranges::sort(result.states, [](const auto& x, const auto& y) {
            const auto key = [](const auto& state) {
                return std::llround(std::max(std::get<1>(state), std::get<2>(state)) * 1e12);
            };
            return key(x) != key(y) ? key(x) > key(y) : std::get<0>(x) < std::get<0>(y);
        });
        const bool cut = result.states.size() > kMostStates;
        if (cut) result.states.resize(kMostStates);
        std::vector<BarRow> rows;
        for (const auto& [index, inA, inB] : result.states) {
            const double change = inB - inA;
            rows.push_back({ket(index, qubits), inA,
                            std::abs(change) < 1e-12
                                ? tr("equal")
                                : (change > 0 ? QStringLiteral("+") : QString()) + formatNumber(change),
                            std::nullopt, std::nullopt, inB});
        }
        m_bars->setNames(tr("A"), tr("B"));
        m_bars->setRows(std::move(rows),
                        cut ? tr("The largest of either state; at the right B − A.") : tr("At the right: B − A."));
        m_distances = std::move(result.qubitDistances);
        showDistances();
    }

    void showDistances() {
        PlotLayer bars{Mark::Bars, tr("Trace distance"), Ink::of(Role::Muted), {}, {}};
        Axis xAxis, yAxis;
        xAxis.title = tr("Qubit");
        yAxis.title = tr("Trace distance");
        const auto count = static_cast<double>(m_distances.size());
        for (std::size_t qubit = 0; qubit < m_distances.size(); ++qubit) {
            const auto x = static_cast<double>(qubit);
            bars.x.insert(bars.x.end(), {x - 0.35, x + 0.35});
            bars.y.insert(bars.y.end(), {m_distances[qubit], 0.0});
            xAxis.fixedTicks.push_back({x, true, QString::number(qubit)});
        }
        bars.y.pop_back();
        const int selected = context().selection().qubit;
        bars.selected = selected >= 0 && selected < static_cast<int>(m_distances.size()) ? 2 * selected : -1;
        m_plot->setTitle(tr("Where they differ: each qubit alone"));
        m_plot->setAxes(xAxis, yAxis);
        m_plot->setFullRange(Range{-0.6, count - 0.4}, Range{0, 1.05});
        m_plot->setReadout([this](const PlotArea::Hit& hit) {
            return tr("Qubit %1\ntrace distance %2")
                .arg(hit.index / 2)
                .arg(formatNumber(m_distances[static_cast<std::size_t>(hit.index / 2)], 6));
        });
        m_plot->setLayers({bars});
    }

    QAction* m_keep;
    QLabel* m_facts;
    BarList* m_bars;
    PlotArea* m_plot;
    std::shared_ptr<const engine::SimulationResult> m_kept;
    QString m_keptMoment;
    std::vector<double> m_distances;
};

} // namespace

QWidget* makeCompareView(ViewContext& context, QWidget* parent) { return new CompareView(context, parent); }

} // namespace qscope
