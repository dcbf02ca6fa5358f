// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_outliers/outliers_view.h"

namespace qscope {

class OutliersPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("outliers"), tr("Outliers"), QStringLiteral("outliers"), ViewSubject::Tensor,
                 tr("Largest magnitude per channel, the largest values and how heavy the tails are")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new OutliersView(context, parent);
    }
};

} // namespace qscope

#include "outliers_plugin.moc"
