// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class StabilizerPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        return registries.simulators.add(engine::makeStabilizerSimulator());
    }
};

} // namespace qscope

#include "stabilizer_plugin.moc"
