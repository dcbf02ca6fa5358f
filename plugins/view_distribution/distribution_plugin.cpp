// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_distribution/distribution_view.h"

namespace qscope {

class DistributionPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {
            {QStringLiteral("distribution"), tr("Distribution"), QStringLiteral("distribution"), ViewSubject::Tensor,
             tr("Histogram of a tensor with the quantization grid over it, quantiles against the normal, moments")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new DistributionView(context, parent);
    }
};

} // namespace qscope

#include "distribution_plugin.moc"
