// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_evolution/evolution_views.h"

#include <QObject>

namespace qscope {

/// The views of a whole run of a circuit.
class EvolutionPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {
            {QStringLiteral("evolution_entropy"), tr("Entropy along the circuit"), QStringLiteral("heatmap"),
             ViewSubject::State, tr("Entanglement entropy of every cut after every operation")},
            {QStringLiteral("evolution_noise"), tr("Ideal and noisy"), QStringLiteral("propagation"),
             ViewSubject::State, tr("Fidelity along a noisy circuit, and what each gate's noise costs alone")},
            {QStringLiteral("evolution_bonds"), tr("MPS bonds"), QStringLiteral("columns"), ViewSubject::State,
             tr("Bond dimensions of the matrix product state after every operation")},
            {QStringLiteral("evolution_tableau"), tr("Stabilizer tableau"), QStringLiteral("table"), ViewSubject::State,
             tr("The Pauli strings that fix the state of a Clifford circuit")},
        };
    }

    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        if (id == QLatin1String("evolution_entropy")) return makeHistoryView(context, parent);
        if (id == QLatin1String("evolution_noise")) return makeNoiseView(context, parent);
        if (id == QLatin1String("evolution_bonds")) return makeBondsView(context, parent);
        if (id == QLatin1String("evolution_tableau")) return makeTableauView(context, parent);
        return nullptr;
    }
};

} // namespace qscope

#include "evolution_plugin.moc"
