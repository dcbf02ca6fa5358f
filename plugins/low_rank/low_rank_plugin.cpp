// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/low_rank/low_rank_methods.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class LowRankPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (auto* make : {engine::makeSvdQuant, engine::makeLqLora, engine::makeLorc, engine::makeLrec})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "low_rank_plugin.moc"
