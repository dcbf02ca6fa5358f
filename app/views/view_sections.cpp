// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/view_sections.h"

#include <QCoreApplication>
#include <QMenu>

#include <algorithm>
#include <array>

namespace qscope {

namespace {

struct Section {
    const char* title;
    std::vector<const char*> views; ///< ids
};

const std::array<Section, 7>& sections() {
    static const std::array<Section, 7> table{
        {{QT_TRANSLATE_NOOP("ViewSections", "Weights"),
          {"overview", "distribution", "heatmap", "outliers", "spectrum", "correlation"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Activations"), {"activations", "input_transform", "coverage"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Results"),
          {"codes", "traces", "comparison", "bit_allocation", "propagation", "text_loss"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Circuit"), {"circuit"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Outcomes"),
          {"state_probabilities", "state_counts", "state_amplitudes", "state_compare"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Qubits"),
          {"state_bloch", "state_density", "state_qsphere", "state_wigner", "state_entanglement", "state_mutual"}},
         {QT_TRANSLATE_NOOP("ViewSections", "Along the circuit"),
          {"evolution_entropy", "evolution_noise", "evolution_bonds", "evolution_tableau"}}}};
    return table;
}

std::size_t rankOf(const QString& viewId) {
    const auto found = std::ranges::find_if(sections(), [&](const Section& section) {
        return std::ranges::any_of(section.views, [&](const char* id) { return viewId == QLatin1String(id); });
    });
    return static_cast<std::size_t>(found - sections().begin());
}

} // namespace

QString sectionOf(const QString& viewId) {
    const std::size_t rank = rankOf(viewId);
    return QCoreApplication::translate(
        "ViewSections", rank < sections().size() ? sections()[rank].title : QT_TRANSLATE_NOOP("ViewSections", "More"));
}

void sortBySection(std::vector<OfferedView>& views) {
    std::ranges::stable_sort(views, {}, [](const OfferedView& view) { return rankOf(view.info.id); });
}

void addSection(QMenu& menu, const OfferedView& view, const OfferedView* before) {
    const QString title = sectionOf(view.info.id);
    if (!before || sectionOf(before->info.id) != title) menu.addSection(title);
}

} // namespace qscope
