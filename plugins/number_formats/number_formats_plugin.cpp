// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/level_method.h"
#include "plugins/number_formats/methods.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class NumberFormatsPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (auto& method : engine::makeLevelMethods()) QSCOPE_CHECK(registries.methods.add(std::move(method)));
        for (const auto make : {engine::makeMinifloat, engine::makeLevels, engine::makeBitMod, engine::makeLlmFp4,
                                engine::makePowerOfSqrt2, engine::makeFpDiffusion, engine::makeFp4Dit,
                                engine::makeBlockFloat, engine::makeBlocks, engine::makeMinMax, engine::makeEqualize})
            QSCOPE_CHECK(registries.methods.add(make()));
        return {};
    }
};

} // namespace qscope

#include "number_formats_plugin.moc"
