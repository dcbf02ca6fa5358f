// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/library_dialog.h"

#include "engine/quantum/qasm/parse.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/circuit_painter.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPainter>
#include <QPushButton>
#include <QScrollArea>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace qscope {

/// A circuit drawn as large as fits, from its beginning where it is long.
class CircuitPreview : public QWidget {
public:
    CircuitPreview(ViewContext& context, QWidget* parent)
        : QWidget(parent)
        , m_context(context) {
        setMinimumHeight(160);
        setAccessibleName(LibraryDialog::tr("Preview of the circuit"));
    }
    void setDrawing(std::shared_ptr<const CircuitGeometry> drawing) {
        m_drawing = std::move(drawing);
        update();
    }

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        painter.fillRect(rect(), m_context.theme().color(Role::Surface));
        if (!m_drawing) return;
        const QSizeF whole = m_drawing->size();
        constexpr double kSmallest = 0.35; // below that nothing can be read: it is cut off instead
        const double scale = std::clamp(std::min(width() / whole.width(), height() / whole.height()), kSmallest, 1.0);
        painter.scale(scale, scale);
        paintCircuit(painter, *m_drawing, QRectF(0, 0, width() / scale, height() / scale), m_context.theme());
    }

private:
    ViewContext& m_context;
    std::shared_ptr<const CircuitGeometry> m_drawing;
};

namespace {

struct Made {
    QString program;
    QString facts;
    std::shared_ptr<const CircuitGeometry> drawing;
};

Result<Made> made(const engine::LibrarySpec& spec) {
    QSCOPE_TRY(const std::string program, engine::libraryProgram(spec));
    const auto parsed = engine::parseQasm(program);
    if (!parsed.circuit) return fail(ErrorCode::Malformed, "what the library made cannot be read");
    const auto& circuit = *parsed.circuit;
    return Made{QString::fromStdString(program),
                LibraryDialog::tr("%1 qubits, %2 operations, depth %3")
                    .arg(formatInteger(circuit.qubits),
                         formatInteger(static_cast<std::int64_t>(circuit.operations.size())),
                         formatInteger(engine::depth(circuit))),
                std::make_shared<const CircuitGeometry>(parsed.circuit, engine::WireOrder::ZeroAtTop)};
}

/// The library's table in the words of the form.
std::vector<engine::ParamSpec> formTable(const engine::LibraryCircuit& circuit) {
    std::vector<engine::ParamSpec> table;
    for (const auto& row : circuit.parameters) {
        engine::ParamSpec spec{row.key,       row.label,   engine::ParamType::Choice,
                               row.byDefault, row.minimum, row.maximum,
                               row.choices,   row.help,    row.unit};
        if (std::holds_alternative<bool>(row.byDefault)) spec.type = engine::ParamType::Flag;
        if (std::holds_alternative<std::int64_t>(row.byDefault)) spec.type = engine::ParamType::Integer;
        if (std::holds_alternative<double>(row.byDefault)) spec.type = engine::ParamType::Real;
        table.push_back(std::move(spec));
    }
    return table;
}

} // namespace

LibraryDialog::LibraryDialog(Workspace& workspace, QWidget* parent)
    : QDialog(parent)
    , m_workspace(workspace)
    , m_jobs(workspace.makeJobs())
    , m_tree(new QTreeWidget(this))
    , m_name(new QLabel(this))
    , m_summary(new QLabel(this))
    , m_form(new ParamForm(this))
    , m_facts(new QLabel(this))
    , m_preview(new CircuitPreview(workspace, this)) {
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("New circuit from the library"));
    resize(960, 640);
    auto* filter = new QLineEdit(this);
    filter->setPlaceholderText(tr("Filter"));
    filter->setAccessibleName(tr("Filter circuits"));
    filter->setClearButtonEnabled(true);
    m_tree->setObjectName(QStringLiteral("libraryTree"));
    m_tree->setAccessibleName(tr("Ready circuits"));
    m_tree->setHeaderHidden(true);
    m_tree->setIndentation(12);
    m_name->setFont(Theme::title());
    m_summary->setWordWrap(true);
    m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_facts->setObjectName(QStringLiteral("libraryFacts"));
    m_facts->setWordWrap(true);
    auto* left = new QVBoxLayout;
    left->setSpacing(8);
    left->addWidget(filter);
    left->addWidget(m_tree, 1);
    auto* form = new QScrollArea(this);
    form->setWidget(m_form);
    form->setWidgetResizable(true);
    form->setFrameShape(QFrame::NoFrame);
    form->setMinimumHeight(200);
    auto* right = new QVBoxLayout;
    right->setSpacing(8);
    right->addWidget(m_name);
    right->addWidget(m_summary);
    right->addWidget(form);
    right->addWidget(m_facts);
    right->addWidget(m_preview, 1);
    auto* columns = new QHBoxLayout;
    columns->setSpacing(16);
    columns->addLayout(left, 2);
    columns->addLayout(right, 5);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_open = buttons->addButton(tr("Open circuit"), QDialogButtonBox::AcceptRole);
    m_open->setObjectName(QStringLiteral("libraryOpen"));
    auto* layout = new QVBoxLayout(this);
    layout->setSpacing(16);
    layout->addLayout(columns, 1);
    layout->addWidget(buttons);
    connect(filter, &QLineEdit::textChanged, this, &LibraryDialog::fillTree);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) {
        const auto* circuit =
            item ? engine::findLibraryCircuit(item->data(0, Qt::UserRole).toString().toStdString()) : nullptr;
        if (circuit) show(*circuit);
    });
    connect(m_form, &ParamForm::edited, this, &LibraryDialog::preview);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(buttons, &QDialogButtonBox::accepted, this, [this] {
        if (m_program.isEmpty()) return;
        const QString program = m_program;
        accept();
        emit accepted(program);
    });
    fillTree({});
}

void LibraryDialog::fillTree(const QString& filter) {
    const QString before = m_circuit ? QString::fromStdString(m_circuit->id) : QString();
    m_tree->clear();
    QTreeWidgetItem* group = nullptr;
    for (const auto& circuit : engine::circuitLibrary()) {
        const QString name = QString::fromStdString(circuit.name),
                      about = QString::fromStdString(circuit.summary + circuit.group + circuit.id);
        if (!name.contains(filter, Qt::CaseInsensitive) && !about.contains(filter, Qt::CaseInsensitive)) continue;
        const QString groupName = QString::fromStdString(circuit.group);
        if (!group || group->text(0) != groupName) {
            group = new QTreeWidgetItem(m_tree, {groupName});
            group->setFlags(Qt::ItemIsEnabled);
            group->setForeground(0, m_workspace.theme().color(Role::Muted));
        }
        auto* item = new QTreeWidgetItem(group, {name});
        item->setData(0, Qt::UserRole, QString::fromStdString(circuit.id));
        item->setToolTip(0, QString::fromStdString(circuit.summary));
    }
    m_tree->expandAll();
    choose(before);
}

void LibraryDialog::choose(const QString& id) {
    QTreeWidgetItem* first = nullptr;
    for (int g = 0; g < m_tree->topLevelItemCount(); ++g)
        for (int i = 0; i < m_tree->topLevelItem(g)->childCount(); ++i) {
            auto* item = m_tree->topLevelItem(g)->child(i);
            if (!first) first = item;
            if (item->data(0, Qt::UserRole).toString() == id) return m_tree->setCurrentItem(item);
        }
    if (first) m_tree->setCurrentItem(first);
}

void LibraryDialog::show(const engine::LibraryCircuit& circuit) {
    if (&circuit == m_circuit) return;
    m_circuit = &circuit;
    m_name->setText(QString::fromStdString(circuit.name));
    m_summary->setText(QString::fromStdString(circuit.summary) + QLatin1Char('\n') +
                       QString::fromStdString(circuit.reference));
    m_form->setMethod(formTable(circuit), {circuit.id, {}});
    preview();
}

void LibraryDialog::preview() {
    m_program.clear();
    m_open->setEnabled(false);
    runJob(
        *m_jobs, QString(),
        [spec = engine::LibrarySpec{m_circuit->id, m_form->spec().parameters}](const RunContext&) {
            return made(spec);
        },
        [this](Result<Made> result) {
            QPalette colors = palette();
            colors.setColor(QPalette::WindowText, m_workspace.theme().color(result ? Role::Muted : Role::Bad));
            m_facts->setPalette(colors);
            m_facts->setText(result ? result->facts : QString::fromStdString(result.error().message));
            m_preview->setDrawing(result ? result->drawing : nullptr);
            m_program = result ? result->program : QString();
            m_open->setEnabled(result.has_value());
            emit previewed();
        });
}

} // namespace qscope
