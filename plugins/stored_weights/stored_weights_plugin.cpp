// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/stored_weights/stored_weights.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class StoredWeightsPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        return registries.methods.add(engine::makeStoredWeights());
    }
};

} // namespace qscope

#include "stored_weights_plugin.moc"
