// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/sweep_dialog.h"

#include "app/views/sweep_rows.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part); }

} // namespace

SweepDialog::SweepDialog(Workspace& workspace, QWidget* parent)
    : QDialog(parent)
    , m_workspace(workspace) {
    setObjectName(QStringLiteral("sweepDialog"));
    setWindowTitle(tr("Sweep parameters"));
    setAttribute(Qt::WA_DeleteOnClose);
    resize(840, 540);
    auto* layout = new QGridLayout(this);
    layout->setSpacing(8);
    layout->addWidget(makeMethods(), 0, 0);
    layout->addWidget(makeParameters(), 0, 1);
    layout->addWidget(makeFooter(), 1, 0, 1, 2);
    layout->setColumnStretch(0, 2);
    layout->setColumnStretch(1, 3);
    fillMethods();
    m_rows->setMethods(chosen());
}

QWidget* SweepDialog::makeMethods() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    m_filter = new QLineEdit(box);
    m_filter->setObjectName(QStringLiteral("sweepFilter"));
    m_filter->setPlaceholderText(tr("Filter methods"));
    m_filter->setAccessibleName(tr("Filter methods"));
    m_filter->setClearButtonEnabled(true);
    m_methods = new QListWidget(box);
    m_methods->setObjectName(QStringLiteral("sweepMethods"));
    m_methods->setAccessibleName(tr("Methods of the sweep"));
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& wanted) {
        for (int i = 0; i < m_methods->count(); ++i)
            m_methods->item(i)->setHidden(!m_methods->item(i)->text().contains(wanted, Qt::CaseInsensitive));
    });
    connect(m_methods, &QListWidget::itemChanged, this, [this] { m_rows->setMethods(chosen()); });
    layout->addWidget(m_filter);
    layout->addWidget(m_methods, 1);
    return box;
}

QWidget* SweepDialog::makeParameters() {
    auto* scroll = new QScrollArea(this);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    m_rows = new SweepRows(m_workspace);
    const auto& sweeps = m_workspace.document().plan().sweeps;
    if (!sweeps.empty()) m_rows->setAxes(sweeps.front().axes);
    connect(m_rows, &SweepRows::edited, this, &SweepDialog::refreshCount);
    scroll->setWidget(m_rows);
    return scroll;
}

QWidget* SweepDialog::makeFooter() {
    auto* box = new QWidget(this);
    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    m_scope = new QComboBox(box);
    m_scope->setObjectName(QStringLiteral("sweepScope"));
    m_scope->setAccessibleName(tr("Tensors of the sweep"));
    m_scope->addItem(tr("All tensors of the plan"));
    const auto checkpoint = m_workspace.checkpoint();
    if (const auto tensor = m_workspace.selection().tensor; checkpoint && tensor >= 0) {
        const QString name = text(checkpoint->tensors[static_cast<std::size_t>(tensor)].name);
        m_scope->addItem(tr("Only %1").arg(name), name);
    }
    m_count = new QLabel(box);
    m_count->setObjectName(QStringLiteral("sweepCount"));
    m_count->setWordWrap(true);
    auto* cancel = new QPushButton(tr("Cancel"), box);
    m_run = new QPushButton(box);
    m_run->setObjectName(QStringLiteral("sweepRun"));
    m_run->setProperty("primary", true);
    m_run->setDefault(true);
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    connect(m_run, &QPushButton::clicked, this, &SweepDialog::start);
    layout->addWidget(m_scope);
    layout->addWidget(m_count, 1);
    layout->addWidget(cancel);
    layout->addWidget(m_run);
    return box;
}

void SweepDialog::addMethod(const engine::MethodSpec& base, const QString& name, const QString& tooltip) {
    auto* item = new QListWidgetItem(name, m_methods);
    item->setToolTip(tooltip);
    item->setFlags(item->flags() | Qt::ItemIsUserCheckable);
    const auto& plan = m_workspace.document().plan();
    const auto& before = plan.sweeps.empty() ? plan.methods : plan.sweeps.front().methods;
    item->setCheckState(std::ranges::find(before, base.id, &engine::MethodSpec::id) != before.end() ? Qt::Checked
                                                                                                    : Qt::Unchecked);
    m_bases.push_back(base);
}

void SweepDialog::fillMethods() {
    const QSignalBlocker silent(m_methods);
    const auto& plan = m_workspace.document().plan();
    std::vector<std::string> listed;
    // What is in the plan comes first, with its parameters: chains of methods are there only.
    const auto addAll = [&](const std::vector<engine::MethodSpec>& specs) {
        for (const auto& spec : specs) {
            const auto method = engine::findMethod(m_workspace.registries(), spec.id);
            if (!method || std::ranges::find(listed, spec.id) != listed.end()) continue;
            listed.push_back(spec.id);
            addMethod(spec, text((*method)->info().name), tr("As in the plan: %1").arg(text(engine::toText(spec))));
        }
    };
    if (!plan.sweeps.empty()) addAll(plan.sweeps.front().methods);
    addAll(plan.methods);
    std::vector<const engine::MethodInfo*> others;
    for (const auto& method : m_workspace.registries().methods.items()) others.push_back(&method->info());
    std::ranges::sort(others,
                      [](const auto* a, const auto* b) { return text(a->name).localeAwareCompare(text(b->name)) < 0; });
    for (const auto* other : others) {
        const auto& info = *other;
        if (info.stage != engine::Stage::Rounding || std::ranges::find(listed, info.id) != listed.end()) continue;
        addMethod({info.id, {}}, text(info.name), text(info.summary));
    }
}

std::vector<engine::MethodSpec> SweepDialog::chosen() const {
    std::vector<engine::MethodSpec> specs;
    for (int i = 0; i < m_methods->count(); ++i)
        if (m_methods->item(i)->checkState() == Qt::Checked) specs.push_back(m_bases[static_cast<std::size_t>(i)]);
    return specs;
}

Result<engine::Sweep> SweepDialog::sweep() const {
    engine::Sweep sweep{chosen(), {}};
    QSCOPE_TRY(sweep.axes, m_rows->axes());
    return sweep;
}

void SweepDialog::refreshCount() {
    const auto wanted = sweep();
    const auto methods = wanted ? engine::sweptMethods(*wanted, m_workspace.registries())
                                : Result<std::vector<engine::MethodSpec>>(tl::unexpected<Error>(wanted.error()));
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText, m_workspace.theme().color(methods ? Role::Muted : Role::Bad));
    m_count->setPalette(colors);
    m_run->setEnabled(methods.has_value());
    const int count = methods ? static_cast<int>(methods->size()) : 0;
    m_run->setText(methods ? tr("Run %n result(s)", nullptr, count) : tr("Run"));
    if (!methods) {
        const bool nothing = chosen().empty();
        m_count->setText(nothing ? QString() : tr("Not yet: %1").arg(text(methods.error().message)));
        return;
    }
    QStringList factors{tr("%n method(s)", nullptr, static_cast<int>(wanted->methods.size()))};
    for (const auto& axis : wanted->axes)
        if (axis.values.size() > 1)
            factors << QStringLiteral("%1 %2").arg(axis.values.size()).arg(text(axis.parameter));
    m_count->setText(factors.join(QStringLiteral(" × ")));
}

void SweepDialog::setMethodChosen(const QString& id, bool on) {
    for (std::size_t i = 0; i < m_bases.size(); ++i)
        if (text(m_bases[i].id) == id)
            m_methods->item(static_cast<int>(i))->setCheckState(on ? Qt::Checked : Qt::Unchecked);
}

void SweepDialog::start() {
    auto wanted = sweep();
    if (!wanted || !engine::sweptMethods(*wanted, m_workspace.registries())) return;
    auto plan = m_workspace.document().plan();
    plan.sweeps = {*std::move(wanted)};
    m_workspace.document().editPlan(std::move(plan), tr("Sweep parameters"));
    m_workspace.board().runSweeps(m_scope->currentData().toString());
    accept();
}

} // namespace qscope
