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
             tr("How often each outcome was measured")},
            {QStringLiteral("state_amplitudes"), tr("Amplitudes"), QStringLiteral("amplitudes"), ViewSubject::State,
             tr("Magnitude and phase of each amplitude as a disc")},
            {QStringLiteral("state_bloch"), tr("Bloch spheres"), QStringLiteral("bloch"), ViewSubject::State,
             tr("The reduced state of each qubit as a vector in the Bloch ball")},
            {QStringLiteral("state_density"), tr("Density matrix"), QStringLiteral("density"), ViewSubject::State,
             tr("The reduced density matrix of chosen qubits as a city of bars")},
            {QStringLiteral("state_entanglement"), tr("Entanglement"), QStringLiteral("entanglement"),
             ViewSubject::State, tr("Entanglement entropy of every cut of the qubits, with its bound")},
        };
    }

    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        if (id == QLatin1String("state_probabilities")) return makeProbabilityView(context, parent);
        if (id == QLatin1String("state_counts")) return makeCountsView(context, parent);
        if (id == QLatin1String("state_amplitudes")) return makeAmplitudeView(context, parent);
        if (id == QLatin1String("state_bloch")) return makeBlochView(context, parent);
        if (id == QLatin1String("state_density")) return makeDensityView(context, parent);
        if (id == QLatin1String("state_entanglement")) return makeEntropyView(context, parent);
        return nullptr;
    }
};

} // namespace qscope

#include "state_plugin.moc"
