// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_circuit/circuit_canvas.h"
#include "plugins/view_circuit/source_panel.h"
#include "plugins/view_circuit/step_bar.h"

#include <QAction>
#include <QFileDialog>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

namespace qscope {

namespace {

/// Everything about a circuit that takes time to find out.
struct Drawing {
    std::shared_ptr<const CircuitGeometry> geometry;
    QString facts;
};

QString factsOf(const engine::Circuit& circuit) {
    QStringList gates;
    for (const auto& [name, count] : engine::gateCounts(circuit))
        gates << QStringLiteral("%1 %2").arg(QString::fromStdString(name), formatInteger(count));
    return QObject::tr("qubits %1 · classical bits %2 · depth %3 · operations %4: %5")
        .arg(circuit.qubits)
        .arg(circuit.clbits)
        .arg(formatInteger(engine::depth(circuit)), formatInteger(static_cast<std::int64_t>(circuit.operations.size())),
             gates.join(QStringLiteral(", ")));
}

class CircuitView : public ViewPage {
public:
    CircuitView(ViewContext& viewContext, QWidget* parent)
        : ViewPage(viewContext, tr("Circuit"), parent)
        , m_canvas(new CircuitCanvas(viewContext, &body()))
        , m_steps(new StepBar(viewContext, &body()))
        , m_source(new SourceText(viewContext, &body()))
        , m_messages(new MessageList(viewContext, &body())) {
        auto* order = new QAction(tr("q0 at bottom"), this);
        order->setCheckable(true);
        order->setToolTip(tr("Draw qubit 0 as the lowest wire"));
        header().addAction(order);

        auto* top = new QWidget(&body());
        auto* topLayout = new QVBoxLayout(top);
        topLayout->setContentsMargins(0, 0, 0, 0);
        topLayout->setSpacing(0);
        topLayout->addWidget(m_canvas, 1);
        topLayout->addWidget(m_steps);
        auto* below = new QSplitter(Qt::Horizontal, &body());
        below->addWidget(m_source);
        below->addWidget(m_messages);
        below->setChildrenCollapsible(false);
        auto* split = new QSplitter(Qt::Vertical, &body());
        split->addWidget(top);
        split->addWidget(below);
        split->setStretchFactor(0, 3);
        split->setStretchFactor(1, 2);
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(split);
        m_top = top;

        connect(order, &QAction::toggled, this, [this](bool bottom) {
            m_order = bottom ? engine::WireOrder::ZeroAtBottom : engine::WireOrder::ZeroAtTop;
            invalidate();
        });
        connect(m_canvas, &CircuitCanvas::saveWanted, this, [this] { saveDrawing(); });
        connect(m_messages, &MessageList::placeChosen, m_source, &SourceText::goTo);
        connect(&viewContext, &ViewContext::circuitChanged, this, [this] { invalidate(); });
        setFocusProxy(m_canvas);
    }

protected:
    void refresh() override {
        const auto opened = context().circuit();
        if (!opened) {
            header().setSubject({});
            return showEmpty(tr("Open a circuit to see its gates and step through them."), tr("Open circuit…"),
                             [this] { context().request(WindowRequest::OpenCircuit); });
        }
        if (opened != m_shown) {
            m_shown = opened;
            m_source->load();
            m_messages->load();
            m_steps->refresh();
        }
        m_top->setVisible(opened->circuit != nullptr);
        showBody();
        if (!opened->circuit) {
            m_canvas->setGeometryOf(nullptr);
            header().setSubject(tr("not drawn: the source has errors"));
            return;
        }
        run(
            tr("Lay out the circuit"),
            [circuit = opened->circuit, order = m_order](const RunContext&) -> Result<Drawing> {
                return Drawing{std::make_shared<const CircuitGeometry>(circuit, order), factsOf(*circuit)};
            },
            [this](Drawing drawing) {
                header().setSubject(drawing.facts);
                m_canvas->setGeometryOf(std::move(drawing.geometry));
            });
    }

private:
    void saveDrawing() {
        const auto opened = context().circuit();
        if (!opened || !opened->circuit) return;
        const QString path = QFileDialog::getSaveFileName(this, tr("Save drawing"), QStringLiteral("circuit.svg"),
                                                          tr("Drawings (*.svg *.png)"));
        if (path.isEmpty()) return;
        // Failing to save must not hide the drawing: the outcome is a message either way.
        run(
            tr("Save drawing"),
            [circuit = opened->circuit, theme = context().theme(), path, order = m_order](const RunContext&)
                -> Result<Result<void>> { return drawCircuit(*circuit, theme, path.toStdString(), order); },
            [this, path](const Result<void>& saved) {
                if (saved)
                    context().showMessage(tr("Saved %1").arg(path));
                else
                    context().showMessage(QString::fromStdString(describe(saved.error())), Severity::Error);
            });
    }

    CircuitCanvas* m_canvas;
    StepBar* m_steps;
    SourceText* m_source;
    MessageList* m_messages;
    QWidget* m_top = nullptr;
    engine::WireOrder m_order = engine::WireOrder::ZeroAtTop;
    std::shared_ptr<const OpenCircuit> m_shown;
};

} // namespace

/// The circuit view.
class CircuitPlugin : public QObject, public ViewPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.ViewPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::ViewPlugin)
public:
    [[nodiscard]] std::vector<ViewInfo> views() const override {
        return {{QStringLiteral("circuit"), tr("Circuit"), QStringLiteral("circuit"), ViewSubject::Circuit,
                 tr("The drawing of the circuit with its source, stepped through gate by gate")}};
    }
    [[nodiscard]] QWidget* create(const QString& id, ViewContext& context, QWidget* parent) override {
        return id == QLatin1String("circuit") ? new CircuitView(context, parent) : nullptr;
    }
};

} // namespace qscope

#include "circuit_view.moc"
