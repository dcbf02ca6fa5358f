// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_comparison/comparison_view.h"

namespace qscope {

class ComparisonPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("comparison"), tr("Comparison"), QStringLiteral("comparison"), ViewSubject::Report,
                 tr("Methods side by side: metrics, error across the network, size against quality")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new ComparisonView(context, parent);
    }
};

} // namespace qscope

#include "comparison_plugin.moc"
