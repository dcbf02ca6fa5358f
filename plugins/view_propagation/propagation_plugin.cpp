// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_propagation/propagation_view.h"

namespace qscope {

class PropagationPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("propagation"), tr("Propagation"), QStringLiteral("propagation"), ViewSubject::Report,
                 tr("How each method's error grows through the network on a text, by layer and token")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new PropagationView(context, parent);
    }
};

} // namespace qscope

#include "propagation_plugin.moc"
