// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class NoisySimulatorsPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        // In the order in which `auto` tries them.
        QSCOPE_CHECK(registries.simulators.add(engine::makeDensitySimulator()));
        QSCOPE_CHECK(registries.simulators.add(engine::makeTrajectorySimulator()));
        return registries.simulators.add(engine::makePauliTransferSimulator());
    }
};

} // namespace qscope

#include "noisy_simulators_plugin.moc"
