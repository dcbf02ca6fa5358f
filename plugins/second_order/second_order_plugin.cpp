// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/method_plugin.h"
#include "plugins/second_order/methods.h"

#include <QObject>

namespace qscope {

class SecondOrderPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (const auto make :
             {engine::makeGptq, engine::makeFoem, engine::makeGptaq, engine::makeDecoupleQ, engine::makeDecoupleQBlock})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "second_order_plugin.moc"
