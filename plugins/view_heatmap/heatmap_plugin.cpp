// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_heatmap/heatmap_view.h"

namespace qscope {

class HeatmapPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {
            {QStringLiteral("heatmap"), tr("Heatmap"), QStringLiteral("heatmap"), ViewSubject::Tensor,
             tr("A whole matrix as colours: weights, dequantized weights or the error, with row and column norms")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new HeatmapView(context, parent);
    }
};

} // namespace qscope

#include "heatmap_plugin.moc"
