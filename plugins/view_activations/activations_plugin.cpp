// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_activations/activations_view.h"
#include "plugins/view_activations/text_loss_view.h"
#include "plugins/view_activations/transform_view.h"

namespace qscope {

class ActivationsPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("activations"), tr("Activations"), QStringLiteral("columns"), ViewSubject::Tensor,
                 tr("What a text sends into the selected layer, and who attends to whom")},
                {QStringLiteral("input_transform"), tr("Input transform"), QStringLiteral("columns"),
                 ViewSubject::Tensor, tr("The inputs of a layer before and after a method moves their scale")},
                {QStringLiteral("text_loss"), tr("Text"), QStringLiteral("note"), ViewSubject::Report,
                 tr("What the selected method costs each token of a text")}};
    }
    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        if (id == QLatin1String("text_loss")) return new TextLossView(context, parent);
        if (id == QLatin1String("input_transform")) return new TransformView(context, parent);
        return new ActivationsView(context, parent);
    }
};

} // namespace qscope

#include "activations_plugin.moc"
