// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/readings.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bar_list.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <algorithm>

namespace qscope {

namespace {

constexpr std::size_t kMostOutcomes = 512;

/// Counted outcomes with the interval in which their probability lies.
class CountsView : public StatePage {
public:
    CountsView(ViewContext& context, QWidget* parent)
        : StatePage(context, tr("Counts"), tr("how often each outcome was measured"), parent)
        , m_bars(new BarList(context, tr("Counts"), tr("Shots"), &body())) {
        addHelp(
            header(),
            tr("How many of n shots gave each outcome; classical bits as printed, the last declared register "
               "leftmost.\n\n"
               "The whisker is the 95 % Wilson score interval of the outcome's probability, times n: with share s = "
               "count / n and z = 1.960, (s + z²/2n ± z √(s(1 − s)/n + z²/4n²)) / (1 + z²/n). Each outcome by itself: "
               "of "
               "many intervals about one in twenty misses.\n\n"
               "Source: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927)."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_bars);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        if (simulation.counts.empty())
            return showEmpty(
                tr("This run drew no shots. Simulate with a number of shots to see measured counts here."));
        std::int64_t shots = 0;
        for (const auto& outcome : simulation.counts) shots += outcome.count;
        std::vector<engine::OutcomeCount> outcomes = simulation.counts;
        const auto most = std::min(kMostOutcomes, outcomes.size());
        std::ranges::partial_sort(
            outcomes, outcomes.begin() + static_cast<std::ptrdiff_t>(most),
            [](const auto& a, const auto& b) { return a.count != b.count ? a.count > b.count : a.bits < b.bits; });
        std::vector<BarRow> rows;
        std::int64_t listed = 0;
        for (std::size_t i = 0; i < most; ++i) {
            const auto& [bits, count] = outcomes[i];
            listed += count;
            const auto n = static_cast<double>(shots);
            const double share = static_cast<double>(count) / n;
            const auto interval = engine::wilsonInterval(count, shots);
            rows.push_back({QString::fromStdString(bits), static_cast<double>(count),
                            tr("%1  %2 %").arg(formatInteger(count)).arg(share * 100, 5, 'f', 1), std::nullopt,
                            std::pair(interval.low * n, interval.high * n)});
        }
        QString note = tr("%1 shots, %2 different outcomes, whiskers: 95 % Wilson intervals")
                           .arg(formatInteger(shots), formatInteger(static_cast<std::int64_t>(outcomes.size())));
        if (listed < shots) note += tr("; those not listed: %1 shots").arg(formatInteger(shots - listed));
        m_bars->setRows(std::move(rows), note);
        showPicture();
    }

private:
    BarList* m_bars;
};

} // namespace

QWidget* makeCountsView(ViewContext& context, QWidget* parent) { return new CountsView(context, parent); }

} // namespace qscope
