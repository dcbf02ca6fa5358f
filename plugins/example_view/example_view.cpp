// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/view_plugin.h"

#include <QLabel>

using namespace qscope;

/// The name of the selected tensor and the value of the selected weight, as stored.
class ValueReadout : public QLabel {
    Q_OBJECT
public:
    ValueReadout(ViewContext& context, QWidget* parent) : QLabel(parent), m_context(context) {
        setAlignment(Qt::AlignCenter);
        setWordWrap(true);
        setTextFormat(Qt::PlainText);
        setTextInteractionFlags(Qt::TextSelectableByMouse);
        setAccessibleName(tr("Value of the selected weight"));
        connect(&context, &ViewContext::checkpointChanged, this, &ValueReadout::refresh);
        connect(&context, &ViewContext::selectionChanged, this, &ValueReadout::refresh);
        connect(&context, &ViewContext::themeChanged, this, &ValueReadout::refresh);
        refresh();
    }

private:
    void refresh() {
        setFont(Theme::title());
        setText(readout());
    }

    [[nodiscard]] QString readout() const {
        const auto checkpoint = m_context.checkpoint();
        const Selection& selection = m_context.selection();
        if (!checkpoint) return tr("Open a checkpoint to see its weights here.");
        const auto index = static_cast<std::size_t>(selection.tensor);
        if (selection.tensor < 0 || index >= checkpoint->tensors.size()) return tr("Select a tensor in the navigator.");
        const QString name = QString::fromStdString(checkpoint->tensors[index].name);
        if (selection.row < 0 || selection.column < 0) return tr("%1\nSelect a weight in the heatmap.").arg(name);
        const auto value = engine::decodeTile(checkpoint->view(index), selection.row, 1, selection.column, 1);
        if (!value) return tr("%1\n%2").arg(name, QString::fromStdString(describe(value.error())));
        return tr("%1\nrow %2, column %3\n%4")
            .arg(name, formatInteger(selection.row), formatInteger(selection.column),
                 formatNumber(static_cast<double>(value->front())));
    }

    ViewContext& m_context;
};

class ExampleViewPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("example_value"), tr("Value"), QString(), ViewSubject::Tensor,
                 tr("The value of the selected weight")}};
    }
    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        return id == QLatin1String("example_value") ? new ValueReadout(context, parent) : nullptr;
    }
};

#include "example_view.moc"
