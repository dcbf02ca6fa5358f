// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/data_free/methods.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class DataFreePlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (auto* make : {engine::makeHqq, engine::makeEasyQuant, engine::makeFineQuant, engine::makePowerQuant,
                           engine::makeNupes, engine::makeAdaDim, engine::makeSplitQuant, engine::makeDoubleRounding})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "data_free_plugin.moc"
