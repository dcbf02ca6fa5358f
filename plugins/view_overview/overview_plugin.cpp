// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_overview/overview_view.h"

namespace qscope {

class OverviewPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("overview"), tr("Overview"), QStringLiteral("overview"), ViewSubject::Tensor,
                 tr("The whole model, layers by modules, coloured by any statistic or result")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new OverviewView(context, parent);
    }
};

} // namespace qscope

#include "overview_plugin.moc"
