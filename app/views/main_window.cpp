// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/main_window.h"

#include "app/views/calibration_panel.h"
#include "app/views/command_palette.h"
#include "app/views/dialogs.h"
#include "app/views/export_dialog.h"
#include "app/views/icon_set.h"
#include "app/views/plan_panel.h"
#include "app/views/rerun_dialog.h"
#include "app/views/style.h"
#include "app/views/sweep_dialog.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"
#include "app/views/welcome_page.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QMimeData>
#include <QStackedWidget>
#include <QStatusBar>

namespace qscope {

MainWindow::MainWindow(Workspace& workspace, PluginHost& host, const WindowOptions& options, QWidget* parent)
    : QMainWindow(parent), m_workspace(workspace), m_host(host), m_systemDark(options.systemDark),
      m_jobsModel(workspace.jobs()),
      m_autosave(options.recoveryFolder, workspace.jobs(), workspace.backendSource(), [this] { return session(); }),
      m_reportJobs(workspace.makeJobs()), m_deviceJobs(workspace.makeJobs()) {
    setObjectName(QStringLiteral("mainWindow"));
    setWindowIcon(applicationIcon());
    setMinimumSize(1024, 700);
    setAcceptDrops(true);
    setDockOptions(AllowNestedDocks | AllowTabbedDocks);
    setDocumentMode(true);
    workspace.applyTheme(themeFor(workspace.settings().theme(), m_systemDark));
    applyStyle(*qApp, workspace.theme());
    m_tours = makeTours(*this, workspace);
    makeCentre();
    makeDocks();
    makeStatusBar();
    m_palette = new CommandPalette(this);
    m_tourGuide = new TourGuide(workspace, this);
    makeActions();
    connectWorkspace();
    resize(1440, 900);
    restoreLayout(workspace.settings().layout());
    setMode(Mode::Welcome);
    refreshActions();
    refreshTitle();
    offerRecovery();
}

MainWindow::~MainWindow() = default;

void MainWindow::connectWorkspace() {
    connect(&m_workspace, &ViewContext::themeChanged, this, &MainWindow::applyTheme);
    connect(&m_workspace, &Workspace::requested, this, &MainWindow::handleRequest);
    connect(&m_workspace, &Workspace::opened, this, [this](const QString& path) {
        if (path.endsWith(QLatin1String(".qscope"))) {
            m_sessionPath = path.startsWith(QFileInfo(m_autosave.lastSession()).absolutePath()) ? QString() : path;
            setMode(m_workspace.checkpoint() || !m_workspace.circuit() ? Mode::Model : Mode::Circuit);
        } else {
            setMode(path.endsWith(QLatin1String(".qasm"), Qt::CaseInsensitive) ? Mode::Circuit : Mode::Model);
        }
        refreshTitle();
        m_autosave.touch();
    });
    connect(&m_workspace, &Workspace::openFailed, this, [this](const QString&, const QString& reason) { reportProblem(reason); });
    connect(&m_workspace, &Workspace::planRunFailed, this, &MainWindow::reportProblem);
    connectCircuit();
    connect(&m_planPanel->calibration(), &CalibrationPanel::coverageRequested, this,
            [this] { m_modelArea->raiseView(QStringLiteral("coverage")); });
    connect(&m_workspace.board(), &BoardKeeper::sweepAsked, this, [this] {
        if (m_workspace.checkpoint()) (new SweepDialog(m_workspace, this))->show();
    });
    connect(&m_workspace.board(), &BoardKeeper::rerunAsked, this, [this](int method, const QString& tensor) {
        const auto report = m_workspace.report();
        if (report && method >= 0 && method < static_cast<int>(report->methods.size()))
            (new RerunDialog(m_workspace, method, tensor, this))->show();
    });
    connect(&m_workspace.board(), &ResultBoard::changed, this, [this] { m_autosave.touch(); });
    connect(&m_workspace, &Workspace::sessionRestored, this, &MainWindow::restoreLayout);
    connect(&m_workspace, &Workspace::sessionSaved, this, [this](const QString& path) {
        m_sessionPath = path;
        m_workspace.document().undoStack().setClean();
        statusBar()->showMessage(tr("Saved %1").arg(path), 4000);
        refreshTitle();
    });
    connect(&m_workspace, &ViewContext::reportChanged, this, [this] {
        refreshActions();
        if (!m_workspace.report() || m_workspace.board().extending()) return;
        for (const auto& view : m_modelArea->views())
            if (view.info.subject == ViewSubject::Report) return m_modelArea->raiseView(view.info.id);
    });
    connect(&m_workspace, &Workspace::planRunningChanged, this, &MainWindow::refreshActions);
    connect(&m_workspace, &ViewContext::selectionChanged, this, [this] { m_autosave.touch(); });
    connect(&m_workspace.document(), &Document::changed, this, [this] {
        refreshActions();
        m_autosave.touch();
    });
    connect(&m_autosave, &Autosave::failed, this, [this](const QString& reason) {
        m_workspace.showMessage(tr("The session was not kept: %1").arg(reason), Severity::Warning);
    });
}

void MainWindow::reportProblem(const QString& reason) {
    m_notice->offer(reason, tr("Show messages"), [this] {
        m_bottomDocks[1]->show();
        m_bottomDocks[1]->raise();
    });
}

void MainWindow::setMode(Mode mode) {
    const bool leavesWelcome = m_mode == Mode::Welcome && mode != Mode::Welcome;
    if (m_mode != Mode::Welcome && mode == Mode::Welcome) m_windowState = saveState(kLayoutVersion);
    m_mode = mode;
    m_centre->setCurrentIndex(static_cast<int>(mode));
    const int page = mode == Mode::Circuit ? 1 : 0;
    m_navigatorStack->setCurrentIndex(page);
    m_taskStack->setCurrentIndex(page);
    m_taskDock->setWindowTitle(page == 1 ? tr("Simulate") : tr("Quantize"));
    m_navigatorDock->setWindowTitle(page == 1 ? tr("Circuit") : tr("Navigator"));
    m_workspace.simulationFollower().setWanted(mode == Mode::Circuit);
    if (mode == Mode::Welcome) {
        // The first page has one question; side panels would only be empty beside it.
        for (auto* dock : QList<QDockWidget*>{m_navigatorDock, m_taskDock} + m_bottomDocks) dock->hide();
    } else if (leavesWelcome) {
        if (m_windowState.isEmpty()) resetLayout();
        else restoreState(m_windowState, kLayoutVersion);
    }
    if (auto* action = m_modeActions ? m_modeActions->actions().value(static_cast<int>(mode)) : nullptr)
        action->setChecked(true);
    refreshActions();
    refreshTitle();
}

void MainWindow::chooseTheme(const QString& choice) {
    m_workspace.settings().setTheme(choice);
    m_workspace.applyTheme(themeFor(choice, m_systemDark));
}

void MainWindow::applyTheme() {
    applyStyle(*qApp, m_workspace.theme());
    recolorIcons(*this, m_workspace.theme());
}

void MainWindow::handleRequest(WindowRequest what) {
    switch (what) {
    case WindowRequest::OpenCheckpoint: return chooseModel(false);
    case WindowRequest::OpenCircuit: return chooseCircuit();
    case WindowRequest::Quantize:
        setMode(Mode::Model);
        m_taskDock->show();
        m_workspace.document().plan().methods.empty() ? m_planPanel->browse() : m_workspace.runPlan();
        return;
    case WindowRequest::Export: openExport(); return;
    case WindowRequest::ChooseText: return chooseText();
    case WindowRequest::Calibrate:
        setMode(Mode::Model);
        m_taskDock->show();
        m_planPanel->calibration().calibrate();
        return;
    }
}

void MainWindow::offerRecovery() {
    const QString last = m_autosave.lastSession();
    if (QFileInfo::exists(last)) m_welcome->setLastSession(last);
    const auto left = m_autosave.leftBehind();
    if (left.isEmpty()) return;
    const QString path = left.front();
    m_notice->offer(
        tr("Quantoscope did not end properly. The session of %1 was kept.")
            .arg(QLocale().toString(QFileInfo(path).lastModified(), QLocale::ShortFormat)),
        tr("Restore session"),
        [this, path] {
            // Replaced only once it is open: a session that crashes the program again must not be lost.
            auto* once = new QObject(this);
            connect(&m_workspace, &Workspace::opened, once, [this, path, once](const QString& opened) {
                if (opened != QFileInfo(path).absoluteFilePath()) return;
                m_autosave.replace(path);
                once->deleteLater();
            });
            m_workspace.open(path);
        },
        [this, left] {
            for (const auto& file : left) m_autosave.discard(file);
        });
}

SessionData MainWindow::session() const {
    auto session = m_workspace.session();
    session.layout = layoutNow();
    return session;
}

ExportDialog* MainWindow::openExport() {
    if (!m_workspace.checkpoint()) return nullptr;
    auto* dialog = new ExportDialog(m_workspace, this);
    connect(dialog, &ExportDialog::openRequested, &m_workspace, &Workspace::open);
    dialog->show();
    return dialog;
}

void MainWindow::startTour(int index) { m_tourGuide->start(m_tours[static_cast<std::size_t>(index)]); }

void MainWindow::refreshTitle() {
    QString name;
    const auto& circuit = m_workspace.circuitText();
    if (m_mode == Mode::Circuit && circuit.isOpen()) // its text is a document of its own, with a mark while it is unsaved
        name = (circuit.path().isEmpty() ? tr("untitled circuit") : QFileInfo(circuit.path()).fileName()) + QStringLiteral("[*]");
    else if (!m_sessionPath.isEmpty()) name = QFileInfo(m_sessionPath).fileName();
    else if (const auto checkpoint = m_workspace.checkpoint(); checkpoint && m_mode != Mode::Circuit)
        name = QFileInfo(QString::fromStdString(checkpoint->path.string())).fileName();
    setWindowTitle(name.isEmpty() ? tr("Quantoscope") : tr("%1 – Quantoscope").arg(name));
    setWindowModified(name.endsWith(QLatin1String("[*]")) && circuit.modified());
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (m_workspace.circuitText().modified()) {
        event->ignore();
        return keepCircuit([this] { close(); });
    }
    // Nothing else is asked: the session is kept and offered on the welcome page.
    m_workspace.settings().setLayout(layoutNow());
    m_autosave.finish();
    event->accept();
}

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() != QEvent::ThemeChange || m_workspace.settings().theme() != QLatin1String("system")) return;
    qApp->setPalette(QPalette()); // ours would hide what the desktop asks for
    m_systemDark = systemIsDark(*qApp);
    m_workspace.applyTheme(themeFor(QStringLiteral("system"), m_systemDark));
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    QStringList paths;
    for (const auto& url : event->mimeData()->urls())
        if (url.isLocalFile()) paths << url.toLocalFile();
    m_workspace.openAll(paths);
}

} // namespace qscope
