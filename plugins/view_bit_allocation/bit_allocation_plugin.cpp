// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_bit_allocation/bit_allocation_view.h"

namespace qscope {

class BitAllocationPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("bit_allocation"), tr("Bit allocation"), QStringLiteral("columns"), ViewSubject::Report,
                 tr("Bits per layer and tensor, edited by hand or filled to a budget, with size and quality")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new BitAllocationView(context, parent);
    }
};

} // namespace qscope

#include "bit_allocation_plugin.moc"
