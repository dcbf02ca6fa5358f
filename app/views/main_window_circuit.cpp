// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/library_dialog.h"
#include "app/views/main_window.h"

#include <QAction>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMessageBox>
#include <QStatusBar>
#include <QUndoGroup>

namespace qscope {

namespace {
constexpr const char* kFirstCircuit = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n\nqubit[3] q;\nbit[3] c;\n\nh q[0];\n";
}

void MainWindow::makeCircuitFileActions(QMenu& menu) {
    addAction(menu, tr("&New circuit"), QKeySequence::New, QStringLiteral("circuit"),
              [this] { keepCircuit([this] { m_workspace.newCircuit(QLatin1String(kFirstCircuit)); }); });
    addAction(menu, tr("New circuit from &library…"), QKeySequence(tr("Ctrl+Shift+N")), {}, [this] { openLibrary(); });
    m_saveCircuitAction =
        addAction(menu, tr("Sa&ve circuit"), {}, QStringLiteral("save"), [this] { saveCircuit(false); });
    m_saveCircuitAsAction = addAction(menu, tr("Save circui&t as…"), {}, {}, [this] { saveCircuit(true); });
    menu.addSeparator();
}

LibraryDialog* MainWindow::openLibrary() {
    auto* dialog = new LibraryDialog(m_workspace, this);
    connect(dialog, &LibraryDialog::accepted, this,
            [this](const QString& program) { keepCircuit([this, program] { m_workspace.newCircuit(program); }); });
    dialog->QWidget::show();
    return dialog;
}

void MainWindow::connectCircuit() {
    connect(&m_workspace.circuitText(), &CircuitText::modifiedChanged, this, [this] {
        refreshActions();
        refreshTitle();
        m_autosave.touch();
    });
    connect(&m_workspace.circuitText(), &CircuitText::edited, this, [this] { m_autosave.touch(); });
    connect(&m_workspace, &Workspace::circuitWouldBeLost, this,
            [this](const QStringList& paths) { keepCircuit([this, paths] { m_workspace.openAll(paths); }); });
    connect(&m_workspace, &Workspace::circuitSaved, this, [this](const QString& path) {
        statusBar()->showMessage(tr("Saved %1").arg(path), 4000);
        refreshTitle();
        if (const auto next = std::exchange(m_afterCircuitSaved, {})) next();
    });
    connect(&m_workspace, &Workspace::circuitSaveFailed, this, [this](const QString& path, const QString& reason) {
        m_afterCircuitSaved = {};
        reportProblem(tr("%1 was not saved: %2").arg(path, reason));
    });
}

void MainWindow::saveCircuit(bool choosePath) {
    const QString path = m_workspace.circuitText().path();
    if (!choosePath && !path.isEmpty()) return m_workspace.saveCircuitTo(path);
    auto* dialog = new QFileDialog(this, tr("Save circuit"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setNameFilters({tr("OpenQASM (*.qasm)"), tr("All files (*)")});
    dialog->setDefaultSuffix(QStringLiteral("qasm"));
    dialog->selectFile(path.isEmpty() ? QStringLiteral("circuit.qasm") : path);
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& chosen) { m_workspace.saveCircuitTo(chosen); });
    connect(dialog, &QDialog::rejected, this, [this] { m_afterCircuitSaved = {}; });
    dialog->open();
}

void MainWindow::keepCircuit(std::function<void()> then) {
    if (!m_workspace.circuitText().modified()) return then();
    const QString path = m_workspace.circuitText().path();
    auto* box =
        new QMessageBox(QMessageBox::Question, tr("Unsaved circuit"),
                        path.isEmpty() ? tr("The circuit has not been saved.")
                                       : tr("%1 has changes that are not saved.").arg(QFileInfo(path).fileName()),
                        QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
    box->setObjectName(QStringLiteral("unsavedCircuit"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    connect(box, &QMessageBox::finished, this, [this, then = std::move(then)](int answer) {
        if (answer == QMessageBox::Discard) {
            m_workspace.discardCircuitChanges();
            then();
        } else if (answer == QMessageBox::Save) {
            m_afterCircuitSaved = then;
            saveCircuit(false);
        }
    });
    box->open();
}

void MainWindow::refreshSaving() {
    const bool circuit = m_mode == Mode::Circuit;
    m_undoGroup->setActiveStack(circuit ? &m_workspace.circuitText().undoStack() : &m_workspace.document().undoStack());
    // The usual keys save what is worked on.
    m_saveCircuitAction->setShortcut(circuit ? QKeySequence(QKeySequence::Save) : QKeySequence());
    m_saveCircuitAsAction->setShortcut(circuit ? QKeySequence(tr("Ctrl+Shift+S")) : QKeySequence());
    m_saveSessionAction->setShortcut(circuit ? QKeySequence(tr("Ctrl+Alt+S")) : QKeySequence(QKeySequence::Save));
    m_saveSessionAsAction->setShortcut(circuit ? QKeySequence() : QKeySequence(tr("Ctrl+Shift+S")));
    m_saveCircuitAction->setEnabled(m_workspace.circuitText().isOpen());
    m_saveCircuitAsAction->setEnabled(m_workspace.circuitText().isOpen());
}

} // namespace qscope
