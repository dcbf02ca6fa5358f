// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/view_state/bar_list.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kMostStates = 256;   ///< more are not read as bars; the note says what is left out
constexpr double kNothing = 1e-12; ///< rounding noise of an amplitude that should be zero, squared and rounded up

class ProbabilityView : public StatePage {
public:
    ProbabilityView(ViewContext& context, QWidget* parent)
        : StatePage(context, tr("Probabilities"), tr("how probable each basis state is"), parent)
        , m_bars(new BarList(context, tr("Probabilities"), tr("Probability"), &body())) {
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_bars);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::largestAmplitudes(state, kMostStates, run);
            },
            [this, qubits = simulation.qubits](std::vector<engine::Amplitude> amplitudes) {
                show(std::move(amplitudes), qubits);
            });
    }

private:
    void show(std::vector<engine::Amplitude> amplitudes, int qubits) {
        // Equal probabilities differ by rounding noise; they read best in the order of their bits.
        const auto rank = [](const engine::Amplitude& amplitude) {
            return std::llround(std::norm(amplitude.value) * 1e12);
        };
        std::sort(amplitudes.begin(), amplitudes.end(), [&](const auto& a, const auto& b) {
            return rank(a) != rank(b) ? rank(a) > rank(b) : a.index < b.index;
        });
        std::vector<BarRow> rows;
        double listed = 0;
        for (const auto& [index, value] : amplitudes) {
            const double probability = std::norm(value);
            if (probability < kNothing) continue;
            listed += probability;
            rows.push_back({ket(index, qubits), probability, formatNumber(probability), std::arg(value)});
        }
        QString note;
        if (rows.size() == kMostStates && 1 - listed > 1e-6)
            note = tr("The states not listed hold %1.").arg(formatNumber(1 - listed));
        else if (qubits >= 63 || rows.size() < std::size_t{1} << qubits)
            note = tr("All other states have probability 0.");
        m_bars->setRows(std::move(rows), note);
    }

    BarList* m_bars;
};

class CountsView : public StatePage {
public:
    CountsView(ViewContext& context, QWidget* parent)
        : StatePage(context, tr("Counts"), tr("how often each outcome was measured"), parent)
        , m_bars(new BarList(context, tr("Counts"), tr("Shots"), &body())) {
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_bars);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        if (simulation.counts.empty())
            return showEmpty(
                tr("This run drew no shots. Simulate with a number of shots to see measured counts here."));
        std::vector<BarRow> rows;
        std::int64_t shots = 0;
        for (const auto& outcome : simulation.counts) shots += outcome.count;
        for (const auto& outcome : simulation.counts) {
            const double share = static_cast<double>(outcome.count) / static_cast<double>(shots);
            rows.push_back({QString::fromStdString(outcome.bits), static_cast<double>(outcome.count),
                            tr("%1  %2 %").arg(formatInteger(outcome.count)).arg(share * 100, 5, 'f', 1)});
        }
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
        m_bars->setRows(std::move(rows), tr("%1 shots").arg(formatInteger(shots)));
        showPicture();
    }

private:
    BarList* m_bars;
};

} // namespace

QWidget* makeProbabilityView(ViewContext& context, QWidget* parent) { return new ProbabilityView(context, parent); }
QWidget* makeCountsView(ViewContext& context, QWidget* parent) { return new CountsView(context, parent); }

} // namespace qscope
