// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/extreme_methods.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class ExtremePlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (auto* make : {engine::makePvq, engine::makeBcq, engine::makeTrilm, engine::makeQmoe, engine::makePtq161})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "extreme_plugin.moc"
