// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_state/state_views.h"

#include <QObject>

namespace qscope {

/// The views of a simulated state.
class StatePlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {
            {QStringLiteral("state_probabilities"), tr("Probabilities"), QStringLiteral("probabilities"),
             ViewSubject::State, tr("The most probable basis states, with the phase of each amplitude")},
            {QStringLiteral("state_counts"), tr("Counts"), QStringLiteral("counts"), ViewSubject::State,
             tr("How often each outcome was measured, with confidence intervals")},
            {QStringLiteral("state_amplitudes"), tr("Amplitudes"), QStringLiteral("amplitudes"), ViewSubject::State,
             tr("Magnitude and phase of each amplitude as a disc")},
            {QStringLiteral("state_bloch"), tr("Bloch spheres"), QStringLiteral("bloch"), ViewSubject::State,
             tr("The reduced state of each qubit as a vector in the Bloch ball")},
            {QStringLiteral("state_density"), tr("Density matrix"), QStringLiteral("density"), ViewSubject::State,
             tr("The reduced density matrix of chosen qubits as a city of bars or a Hinton diagram")},
            {QStringLiteral("state_qsphere"), tr("Q-sphere"), QStringLiteral("bloch"), ViewSubject::State,
             tr("All amplitudes on one sphere, by the number of 1s in their basis states")},
            {QStringLiteral("state_wigner"), tr("Wigner function"), QStringLiteral("heatmap"), ViewSubject::State,
             tr("The spherical Wigner function of each qubit, with its negative part")},
            {QStringLiteral("state_entanglement"), tr("Entanglement"), QStringLiteral("entanglement"),
             ViewSubject::State,
             tr("Entanglement entropy of every cut of the qubits, with its bound, and the Schmidt spectrum of one")},
            {QStringLiteral("state_mutual"), tr("Mutual information"), QStringLiteral("entanglement"),
             ViewSubject::State, tr("What every two qubits know of each other, as a graph")},
            {QStringLiteral("state_compare"), tr("Two states"), QStringLiteral("comparison"), ViewSubject::State,
             tr("A kept state beside the one at hand: fidelity, trace distance, probabilities")},
        };
    }

    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        if (id == QLatin1String("state_probabilities")) return makeProbabilityView(context, parent);
        if (id == QLatin1String("state_counts")) return makeCountsView(context, parent);
        if (id == QLatin1String("state_amplitudes")) return makeAmplitudeView(context, parent);
        if (id == QLatin1String("state_bloch")) return makeBlochView(context, parent);
        if (id == QLatin1String("state_density")) return makeDensityView(context, parent);
        if (id == QLatin1String("state_qsphere")) return makeQSphereView(context, parent);
        if (id == QLatin1String("state_wigner")) return makeWignerView(context, parent);
        if (id == QLatin1String("state_mutual")) return makeMutualView(context, parent);
        if (id == QLatin1String("state_compare")) return makeCompareView(context, parent);
        if (id == QLatin1String("state_entanglement")) return makeEntropyView(context, parent);
        return nullptr;
    }
};

} // namespace qscope

#include "state_plugin.moc"
