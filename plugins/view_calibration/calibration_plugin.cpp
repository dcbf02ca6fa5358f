// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/view_plugin.h"
#include "plugins/view_calibration/coverage_view.h"

namespace qscope {

class CalibrationPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("coverage"), tr("Coverage"), QStringLiteral("table"), ViewSubject::Tensor,
                 tr("What the calibration text reaches of the model, and the channels that it never excites")}};
    }
    [[nodiscard]] QWidget* create(const QString&, ViewContext& context, QWidget* parent) override {
        return new CoverageView(context, parent);
    }
};

} // namespace qscope

#include "calibration_plugin.moc"
