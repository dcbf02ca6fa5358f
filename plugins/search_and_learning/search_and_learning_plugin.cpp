// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/method_plugin.h"
#include "plugins/search_and_learning/awq_method.h"
#include "plugins/search_and_learning/discquant_method.h"
#include "plugins/search_and_learning/gsq_method.h"
#include "plugins/search_and_learning/omniquant_method.h"
#include "plugins/search_and_learning/rounding_method.h"

#include <QObject>

namespace qscope {

class SearchAndLearningPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (const auto make : {engine::makeAwqScale, engine::makeAwqClip, engine::makeAdaroundBlock,
                                engine::makePdQuant, engine::makeOmniquant, engine::makeGsq, engine::makeDiscquant})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "search_and_learning_plugin.moc"
