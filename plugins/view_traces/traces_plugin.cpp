// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_traces/traces_view.h"

namespace qscope {

class TracesPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("traces"), tr("Traces"), QStringLiteral("traces"), ViewSubject::Tensor,
                 tr("What methods saw while they worked on a tensor: losses, errors over ranges, decisions")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new TracesView(context, parent);
    }
};

} // namespace qscope

#include "traces_plugin.moc"
