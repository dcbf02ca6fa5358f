// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/method_plugin.h"

#include <QObject>

namespace qscope {

/// The checkpoint formats that come with the program.
class CheckpointFormatsPlugin final : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)

public:
    Result<void> contribute(engine::Registries& registries) override {
        for (auto* make : {engine::makeSafetensorsReader, engine::makeGgufReader, engine::makeLlama2cReader, engine::makeGgmfReader,
                           engine::makeNpyReader, engine::makePytorchReader, engine::makeOnnxReader, engine::makeTokenizerReader})
            QSCOPE_CHECK(registries.readers.add(make()));
        for (auto* make : {engine::makeGgufExporter, engine::makeGgufDequantizedExporter, engine::makeSafetensorsExporter, engine::makeCompressedTensorsExporter,
                           engine::makeGptqExporter, engine::makeGptq2Exporter, engine::makeAwqExporter,
                           engine::makeBitsandbytesExporter, engine::makeSafetensorsCodesExporter, engine::makeNpzExporter, engine::makeNpyExporter})
            QSCOPE_CHECK(registries.exporters.add(make()));
        QSCOPE_CHECK(registries.exporters.add(engine::makeOnnxExporter()));
        return {};
    }
};

} // namespace qscope

#include "checkpoint_formats_plugin.moc"
