// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/search.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bar_list.h"
#include "plugins/view_state/qubit_list.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QLineEdit>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kMostStates = 256;   ///< more are not read as bars; the note says what is left out
constexpr int kMostGrouped = 10;   ///< qubits of a group: 1024 outcomes, of which the largest are listed
constexpr double kNothing = 1e-12; ///< rounding noise of an amplitude that should be zero, squared and rounded up

enum class Order { Largest, Bits };

/// What is listed: single states with their phase, or outcomes of some qubits.
struct Listed {
    std::vector<engine::Amplitude> states;
    std::vector<double> outcomes; ///< of the group; empty: no group
    double matching = 1;          ///< probability of everything that matches
};

class ProbabilityView : public StatePage {
public:
    ProbabilityView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Probabilities"), tr("how probable each basis state is"), parent)
        , m_bars(new BarList(viewContext, tr("Probabilities"), tr("Probability"), &body()))
        , m_pattern(addField(tr("Find: 1*0"), tr("Pattern of bits"),
                             tr("Lists the states with these bits: 0, 1, * for either, qubit 0 rightmost; "
                                "a short pattern speaks of the lowest qubits")))
        , m_group(addField(tr("Group: 0-3"), tr("Qubits to group by"),
                           tr("Adds up the probabilities of all states that agree in these qubits, up to %1 of them")
                               .arg(kMostGrouped))) {
        header().addChoice({tr("Largest"), tr("Bits")}, 0,
                           [this](int order) {
                               m_order = static_cast<Order>(order);
                               invalidate();
                           },
                           {tr("The most probable states first"), tr("In the order of their bits")});
        addHelp(header(),
                 tr("The probability of basis state i is |a_i|², the squared magnitude of its amplitude. A phase "
                    "shows as a ring with a hand, 0 to the right.\n\n"
                    "A group adds up the probabilities of all states that agree in the named qubits: what "
                    "measuring these qubits alone gives. It has no phase.\n\n"
                    "Of many states the %1 most probable are listed; the line below them says what the others hold.")
                     .arg(kMostStates));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_bars);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        const int qubits = simulation.qubits;
        std::vector<int> group;
        if (!m_group->text().isEmpty()) {
            auto asked = parseQubits(m_group->text(), qubits, kMostGrouped);
            if (!asked) return showEmpty(QString::fromStdString(asked.error().message));
            group = *std::move(asked);
        }
        const auto pattern = engine::parsePattern(m_pattern->text().trimmed().toStdString(),
                                                  group.empty() ? qubits : static_cast<int>(group.size()));
        if (!pattern) return showEmpty(QString::fromStdString(pattern.error().message));
        compute(
            simulation.state,
            [group, pattern = *pattern](const engine::StateSnapshot& state, const RunContext& run) -> Result<Listed> {
                if (!group.empty()) {
                    QSCOPE_TRY(auto outcomes, run.backend.marginals(*state.buffer, group, run));
                    return Listed{{}, std::move(outcomes), 1};
                }
                QSCOPE_TRY(auto found, engine::findStates(state, pattern, kMostStates, run));
                return Listed{std::move(found.largest), {}, found.probability};
            },
            [this, qubits, group, pattern = *pattern](Listed listed) {
                show(std::move(listed), qubits, group, pattern);
            });
    }

private:
    QLineEdit* addField(const QString& placeholder, const QString& name, const QString& tip) {
        auto* field = new QLineEdit(this);
        field->setPlaceholderText(placeholder);
        field->setAccessibleName(name);
        field->setToolTip(tip);
        field->setFixedWidth(76);
        header().addWidget(field);
        connect(field, &QLineEdit::editingFinished, this, [this] { invalidate(); });
        return field;
    }

    void show(Listed listed, int qubits, const std::vector<int>& group, const engine::BitPattern& pattern) {
        const bool grouped = !group.empty();
        const int bits = grouped ? static_cast<int>(group.size()) : qubits;
        for (std::size_t i = 0; i < listed.outcomes.size(); ++i)
            if ((i & pattern.mask) == pattern.value)
                listed.states.push_back({i, std::sqrt(std::max(0.0, listed.outcomes[i]))});
        if (grouped) {
            listed.matching = 0;
            for (const auto& state : listed.states) listed.matching += std::norm(state.value);
        }
        std::erase_if(listed.states, [](const auto& state) { return std::norm(state.value) < kNothing; });
        // Equal probabilities differ by rounding noise; they read best in the order of their bits.
        const auto rank = [](const auto& state) { return std::llround(std::norm(state.value) * 1e12); };
        const auto largest = [&](const auto& a, const auto& b) {
            return rank(a) != rank(b) ? rank(a) > rank(b) : a.index < b.index;
        };
        const bool cut = listed.states.size() > kMostStates;
        std::ranges::sort(listed.states, largest);
        if (cut) listed.states.resize(kMostStates);
        if (m_order == Order::Bits) std::ranges::sort(listed.states, {}, &engine::Amplitude::index);
        std::vector<BarRow> rows;
        double shown = 0;
        for (const auto& [index, value] : listed.states) {
            const double probability = std::norm(value);
            shown += probability;
            rows.push_back({ket(index, bits), probability, formatNumber(probability),
                            grouped ? std::nullopt : std::optional(std::arg(value))});
        }
        const bool full = static_cast<int>(rows.size()) == kMostStates;
        QString note;
        if (listed.matching < kNothing)
            note = tr("No state with a probability above 0 matches.");
        else if (full && listed.matching - shown > 1e-6)
            note = tr("The states not listed hold %1.").arg(formatNumber(listed.matching - shown));
        else if (pattern.mask == 0 && (bits >= 63 || rows.size() < std::size_t{1} << bits))
            note = tr("All other states have probability 0.");
        if (pattern.mask != 0 && listed.matching >= kNothing)
            note = tr("All that match: %1. ").arg(formatNumber(listed.matching)) + note;
        if (grouped) {
            QStringList names;
            for (auto qubit = group.rbegin(); qubit != group.rend(); ++qubit) names << QString::number(*qubit);
            header().setSubject(tr("outcomes of qubits |%1⟩").arg(names.join(QLatin1Char(' '))));
        }
        m_bars->setRows(std::move(rows), note);
    }

    BarList* m_bars;
    QLineEdit* m_pattern;
    QLineEdit* m_group;
    Order m_order = Order::Largest;
};

} // namespace

QWidget* makeProbabilityView(ViewContext& context, QWidget* parent) { return new ProbabilityView(context, parent); }

} // namespace qscope
