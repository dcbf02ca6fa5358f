// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/rerun_dialog.h"

#include "app/views/param_form.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>

namespace qscope {

RerunDialog::RerunDialog(Workspace& workspace, int method, const QString& tensor, QWidget* parent)
    : QDialog(parent)
    , m_form(new ParamForm) {
    setObjectName(QStringLiteral("rerunDialog"));
    setWindowTitle(tr("Run again"));
    setAttribute(Qt::WA_DeleteOnClose);
    resize(420, 420);
    const auto report = workspace.report();
    const auto& result = report->methods[static_cast<std::size_t>(method)];
    const auto known = engine::findMethod(workspace.registries(), result.spec.id);
    auto* layout = new QVBoxLayout(this);
    layout->setSpacing(8);
    auto* what = new QLabel(
        tr("%1 on %2, with other parameters. The new result stands beside this one.")
            .arg(known ? QString::fromStdString((*known)->info().name) : QString::fromStdString(result.spec.id),
                 tensor.isEmpty() ? tr("the same tensors") : tensor),
        this);
    what->setWordWrap(true);
    layout->addWidget(what);
    auto* scroll = new QScrollArea(this);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidget(m_form);
    layout->addWidget(scroll, 1);
    auto* buttons = new QHBoxLayout;
    auto* cancel = new QPushButton(tr("Cancel"), this);
    auto* run = new QPushButton(tr("Run again"), this);
    run->setObjectName(QStringLiteral("rerunNow"));
    run->setProperty("primary", true);
    run->setDefault(true);
    buttons->addStretch();
    buttons->addWidget(cancel);
    buttons->addWidget(run);
    layout->addLayout(buttons);
    if (known) m_form->setMethod((*known)->info().parameters, result.spec);
    // Equal parameters give the same result: there is nothing to run.
    const auto refresh = [this, run, spec = result.spec] { run->setEnabled(!(m_form->spec() == spec)); };
    connect(m_form, &ParamForm::edited, this, refresh);
    refresh();
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    connect(run, &QPushButton::clicked, this, [this, &workspace, label = result.label, tensor] {
        const auto now = workspace.report(); // the report may have been replaced while the dialog was open
        for (std::size_t i = 0; now && i < now->methods.size(); ++i)
            if (now->methods[i].label == label) workspace.board().rerun(static_cast<int>(i), tensor, m_form->spec());
        accept();
    });
}

} // namespace qscope
