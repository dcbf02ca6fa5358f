// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_spectrum/correlation_view.h"
#include "plugins/view_spectrum/spectrum_view.h"

namespace qscope {

class SpectrumPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("spectrum"), tr("Spectrum"), QStringLiteral("spectrum"), ViewSubject::Tensor,
                 tr("Singular values of a matrix, its effective rank, and the entropy over its cuts")},
                {QStringLiteral("correlation"), tr("Correlation"), QStringLiteral("correlation"), ViewSubject::Tensor,
                 tr("How alike the rows or the columns of a matrix are")}};
    }
    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        if (id == QLatin1String("correlation")) return new CorrelationView(context, parent);
        return new SpectrumView(context, parent);
    }
};

} // namespace qscope

#include "spectrum_plugin.moc"
