// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_codes/codes_view.h"

namespace qscope {

class CodesPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("codes"), tr("Codes"), QStringLiteral("codes"), ViewSubject::Tensor,
                 tr("How often each code of a quantized tensor is used, and its scales, zero points and tables")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new CodesView(context, parent);
    }
};

} // namespace qscope

#include "codes_plugin.moc"
