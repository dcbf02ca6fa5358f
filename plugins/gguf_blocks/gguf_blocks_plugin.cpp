// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/block_method.h"
#include "plugins/gguf_blocks/gguf_mix.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

class GgufBlocksPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(engine::Registries& registries) override {
        for (auto& method : engine::makeBlockMethods()) QSCOPE_CHECK(registries.methods.add(std::move(method)));
        for (auto& method : engine::makeMixMethods()) QSCOPE_CHECK(registries.methods.add(std::move(method)));
        return {};
    }
};

} // namespace qscope

#include "gguf_blocks_plugin.moc"
