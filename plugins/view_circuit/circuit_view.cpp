// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_circuit/canvas_editing.h"
#include "plugins/view_circuit/circuit_canvas.h"
#include "plugins/view_circuit/gate_palette.h"
#include "plugins/view_circuit/message_list.h"
#include "plugins/view_circuit/parameter_panel.h"
#include "plugins/view_circuit/source_editor.h"
#include "plugins/view_circuit/step_bar.h"

#include <QAction>
#include <QFileDialog>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

namespace qscope {

namespace {

constexpr int kBesideWidth = 1100;

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
        , m_source(new SourceEditor(viewContext, &body()))
        , m_messages(new MessageList(viewContext, &body())) {
        auto* order = new QAction(tr("q0 at bottom"), this);
        order->setCheckable(true);
        order->setToolTip(tr("Draw qubit 0 as the lowest wire"));
        header().addAction(order);

        addHelp(header(),
                 tr("Time runs to the right, one wire per qubit; doubled wires are measured. A gate's "
                    "parameters stand below it in radians; filled dots are controls. Depth = the length of "
                    "the longest chain of operations that wait for one another. Gate definitions and phases "
                    "are those of OpenQASM 3 (Cross et al., ACM Transactions on Quantum Computing 3, 2022).\n\n"
                    "The accent line is the step up to which the state is shown: click a gate, drag the "
                    "slider or press Ctrl+Right. Drag a gate from the palette onto the wires, or type into "
                    "the source: both are the same document and share undo."));
        auto* top = new QWidget(&body());
        auto* topLayout = new QVBoxLayout(top);
        topLayout->setContentsMargins(0, 0, 0, 0);
        topLayout->setSpacing(0);
        if (m_text) {
            topLayout->addWidget(new GatePalette(viewContext, top));
            new CanvasEditing(viewContext, *m_canvas);
        }
        topLayout->addWidget(m_canvas, 1);
        topLayout->addWidget(m_steps);
        auto* below = m_below = new QSplitter(Qt::Horizontal, &body());
        below->addWidget(m_source);
        m_side = new QSplitter(Qt::Vertical, below);
        if (m_text) m_side->addWidget(new ParameterPanel(viewContext, *m_text, m_side));
        m_side->addWidget(m_messages);
        m_side->setChildrenCollapsible(false);
        below->addWidget(m_side);
        below->setStretchFactor(0, 1); // the sliders keep the size they ask for
        below->setChildrenCollapsible(false);
        auto* split = m_split = new QSplitter(Qt::Vertical, &body());
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
        connect(m_messages, &MessageList::placeChosen, m_source, &SourceEditor::goTo);
        if (m_text) {
            connect(m_text, &CircuitText::checked, this, [this] {
                showFacts();
                showSide();
            });
            connect(&viewContext, &ViewContext::selectionChanged, this, [this] { showSide(); });
        }
        connect(&viewContext, &ViewContext::circuitChanged, this, [this] { invalidate(); });
        setFocusProxy(m_canvas);
    }

protected:
    /// Where there is room the source stands beside the drawing, else below it.
    void resizeEvent(QResizeEvent* event) override {
        ViewPage::resizeEvent(event);
        const bool wide = width() >= kBesideWidth;
        m_split->setOrientation(wide ? Qt::Horizontal : Qt::Vertical);
        m_below->setOrientation(wide ? Qt::Vertical : Qt::Horizontal);
    }

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
            showSide();
        }
        m_top->setVisible(opened->circuit != nullptr);
        showBody();
        if (!opened->circuit) {
            m_canvas->setGeometryOf(nullptr);
            m_facts = tr("not drawn: the source has errors");
            return showFacts();
        }
        run(
            tr("Lay out the circuit"),
            [circuit = opened->circuit, order = m_order](const RunContext&) -> Result<Drawing> {
                return Drawing{std::make_shared<const CircuitGeometry>(circuit, order), factsOf(*circuit)};
            },
            [this](Drawing drawing) {
                m_facts = drawing.facts;
                showFacts();
                m_canvas->setGeometryOf(std::move(drawing.geometry));
            });
    }

private:
    /// Of the circuit that is drawn; says so when the text has gone on without it.
    void showFacts() {
        const bool old = m_text && m_shown && m_shown->circuit && m_text->hasErrors();
        header().setSubject(old ? tr("the text has errors; drawn is the last circuit without") : m_facts);
    }

    /// Takes no room while there is nothing in it.
    void showSide() {
        bool needed = false;
        for (int i = 0; i < m_side->count(); ++i) needed |= !m_side->widget(i)->isHidden();
        m_side->setVisible(needed);
    }

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

    CircuitText* m_text = editableText(context()); ///< null: only to be looked at
    CircuitCanvas* m_canvas;
    StepBar* m_steps;
    SourceEditor* m_source;
    MessageList* m_messages;
    QSplitter *m_split = nullptr, *m_below = nullptr, *m_side = nullptr;
    QWidget* m_top = nullptr;
    QString m_facts;
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
