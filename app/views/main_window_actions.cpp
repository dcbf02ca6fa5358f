// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/command_palette.h"
#include "app/views/dialogs.h"
#include "app/views/icon_set.h"
#include "app/views/main_window.h"
#include "app/views/plan_panel.h"
#include "app/views/samples.h"
#include "app/views/simulate_panel.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"
#include "app/views/view_sections.h"
#include "plugins/host/devices.h"

#include <QAction>
#include <QActionGroup>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>
#include <QUndoGroup>

#include <algorithm>

namespace qscope {

namespace {
constexpr std::int64_t kAllSteps = std::int64_t{1} << 40; ///< more operations than any circuit has
constexpr std::size_t kPaletteTensors = 20000;

/// All commands of a menu and the menus in it.
QList<QAction*> commandsOf(const QMenu& menu) {
    QList<QAction*> commands;
    for (auto* action : menu.actions()) {
        if (action->menu()) commands += commandsOf(*action->menu());
        else if (!action->isSeparator() && !action->text().isEmpty()) commands << action;
    }
    return commands;
}

QString plain(QString text) { return text.remove(QLatin1Char('&')).remove(QChar(0x2026)); }
} // namespace

QAction* MainWindow::addAction(QMenu& menu, const QString& text, const QKeySequence& shortcut, const QString& icon,
                               std::function<void()> run) {
    auto* action = menu.addAction(text);
    action->setShortcut(shortcut);
    if (!icon.isEmpty()) setIcon(*action, icon, m_workspace.theme());
    if (run) connect(action, &QAction::triggered, this, std::move(run));
    return action;
}

void MainWindow::makeActions() {
    makeFileMenu();
    makeEditMenu();
    makeViewMenu();
    makeRunMenu();
    makeHelpMenu();
    makeToolBar();
}

void MainWindow::makeFileMenu() {
    auto& menu = *menuBar()->addMenu(tr("&File"));
    m_menus.emplace_back(tr("File"), &menu);
    addAction(menu, tr("&Open model…"), QKeySequence::Open, QStringLiteral("open"), [this] { chooseModel(false); });
    addAction(menu, tr("Open model &folder…"), QKeySequence(tr("Ctrl+Shift+O")), {}, [this] { chooseModel(true); });
    addAction(menu, tr("Open &circuit…"), QKeySequence(tr("Ctrl+Alt+O")), {}, [this] { chooseCircuit(); });
    makeCircuitFileActions(menu);
    auto& samples = *menu.addMenu(tr("Open sa&mple"));
    if (!sampleModel().isEmpty())
        addAction(samples, tr("Bard, a small language model"), {}, QStringLiteral("model"), [this] { m_workspace.open(sampleModel()); });
    for (const auto& path : sampleCircuits())
        addAction(samples, QFileInfo(path).completeBaseName().replace(QLatin1Char('_'), QLatin1Char(' ')), {},
                  QStringLiteral("circuit"), [this, path] { m_workspace.open(path); });
    auto* recent = menu.addMenu(tr("Open &recent"));
    connect(recent, &QMenu::aboutToShow, this, [this, recent] { fillRecentMenu(*recent); });
    menu.addSeparator();
    m_saveSessionAction = addAction(menu, tr("&Save session"), QKeySequence::Save, QStringLiteral("save"), [this] { saveSession(false); });
    m_saveSessionAsAction = addAction(menu, tr("Save session &as…"), QKeySequence(tr("Ctrl+Shift+S")), {}, [this] { saveSession(true); });
    menu.addSeparator();
    m_exportAction = addAction(menu, tr("&Export result…"), QKeySequence(tr("Ctrl+E")), QStringLiteral("export"), [this] { openExport(); });
    m_reportAction = addAction(menu, tr("Save re&port…"), QKeySequence(tr("Ctrl+Shift+E")), {}, [this] { saveReport(); });
    addAction(menu, tr("Save &picture of the views as PDF…"), QKeySequence::Print, {}, [this] { savePicture(); });
    menu.addSeparator();
    addAction(menu, tr("&Quit"), QKeySequence::Quit, {}, [this] { close(); });
}

void MainWindow::fillRecentMenu(QMenu& menu) {
    menu.clear();
    const auto files = m_workspace.settings().recentFiles();
    for (const auto& path : files)
        connect(menu.addAction(path), &QAction::triggered, this, [this, path] { m_workspace.open(path); });
    if (files.isEmpty()) menu.addAction(tr("No files yet"))->setEnabled(false);
    menu.addSeparator();
    connect(menu.addAction(tr("Clear list")), &QAction::triggered, this, [this] { m_workspace.settings().clearRecentFiles(); });
}

void MainWindow::makeEditMenu() {
    auto& menu = *menuBar()->addMenu(tr("&Edit"));
    m_menus.emplace_back(tr("Edit"), &menu);
    m_undoGroup = new QUndoGroup(this);
    m_undoGroup->addStack(&m_workspace.document().undoStack());
    m_undoGroup->addStack(&m_workspace.circuitText().undoStack());
    auto* undo = m_undoGroup->createUndoAction(this, tr("Undo"));
    undo->setShortcut(QKeySequence::Undo);
    setIcon(*undo, QStringLiteral("undo"), m_workspace.theme());
    auto* redo = m_undoGroup->createRedoAction(this, tr("Redo"));
    redo->setShortcut(QKeySequence::Redo);
    setIcon(*redo, QStringLiteral("redo"), m_workspace.theme());
    menu.addAction(undo);
    menu.addAction(redo);
    menu.addSeparator();
    m_modelActions << addAction(menu, tr("&Filter tensors"), QKeySequence::Find, QStringLiteral("filter"), [this] {
        setMode(Mode::Model);
        m_navigatorDock->show();
        m_tensorNavigator->focusFilter();
    });
    m_modelActions << addAction(menu, tr("Next tensor"), QKeySequence(tr("Alt+Down")), QStringLiteral("next"),
                                [this] { m_tensorNavigator->selectNeighbour(1); });
    m_modelActions << addAction(menu, tr("Previous tensor"), QKeySequence(tr("Alt+Up")), QStringLiteral("previous"),
                                [this] { m_tensorNavigator->selectNeighbour(-1); });
    m_modelActions << addAction(menu, tr("Select the tensor of largest kurtosis"), QKeySequence(tr("Ctrl+K")), {}, [this] {
        m_tensorNavigator->sortBy(TensorTreeModel::Kurtosis);
        m_tensorNavigator->selectFirst();
    });
    m_modelActions << addAction(menu, tr("Edit &note…"), QKeySequence(tr("F2")), QStringLiteral("note"),
                                [this] { m_tensorNavigator->editNote(); });
}

void MainWindow::makeViewMenu() {
    auto& menu = *menuBar()->addMenu(tr("&View"));
    m_menus.emplace_back(tr("View"), &menu);
    m_modeActions = new QActionGroup(this);
    const auto mode = [&](const QString& text, const QString& shortcut, const QString& icon, Mode to) {
        auto* action = addAction(menu, text, QKeySequence(shortcut), icon, [this, to] { setMode(to); });
        action->setCheckable(true);
        m_modeActions->addAction(action);
    };
    mode(tr("&Welcome"), tr("Ctrl+1"), QStringLiteral("home"), Mode::Welcome);
    mode(tr("&Model"), tr("Ctrl+2"), QStringLiteral("model"), Mode::Model);
    mode(tr("&Circuit"), tr("Ctrl+3"), QStringLiteral("circuit"), Mode::Circuit);
    menu.addSeparator();
    const auto area = [this] { return m_mode == Mode::Circuit ? m_circuitArea : m_modelArea; };
    addAction(menu, tr("Next view"), QKeySequence(tr("Ctrl+PgDown")), {}, [area] { area()->raiseNeighbour(1); });
    addAction(menu, tr("Previous view"), QKeySequence(tr("Ctrl+PgUp")), {}, [area] { area()->raiseNeighbour(-1); });
    addAction(menu, tr("Split view to the right"), QKeySequence(tr("Ctrl+\\")), {}, [area] { area()->splitCurrent(Qt::Horizontal); });
    addAction(menu, tr("Split view below"), QKeySequence(tr("Ctrl+Shift+\\")), {}, [area] { area()->splitCurrent(Qt::Vertical); });
    auto& views = *menu.addMenu(tr("&Views"));
    views.setToolTipsVisible(true);
    const std::pair<ViewArea*, Mode> areas[] = {{m_modelArea, Mode::Model}, {m_circuitArea, Mode::Circuit}};
    for (const auto& [owner, itsMode] : areas) {
        auto offered = owner->views();
        sortBySection(offered);
        for (std::size_t i = 0; i < offered.size(); ++i) {
            const ViewInfo& info = offered[i].info;
            addSection(views, offered[i], i > 0 ? &offered[i - 1] : nullptr);
            auto* action = addAction(views, info.title, {}, info.icon, [this, to = owner, itsMode = itsMode, id = info.id] {
                setMode(itsMode);
                to->raiseView(id);
            });
            action->setToolTip(info.summary);
        }
    }
    menu.addSeparator();
    QStringList shortcuts{tr("Ctrl+Alt+1"), tr("Ctrl+Alt+2"), tr("Ctrl+Alt+3"), tr("Ctrl+Alt+4"), tr("Ctrl+Alt+5")};
    for (auto* dock : QList<QDockWidget*>{m_navigatorDock, m_taskDock} + m_bottomDocks) {
        dock->toggleViewAction()->setShortcut(QKeySequence(shortcuts.takeFirst()));
        menu.addAction(dock->toggleViewAction());
    }
    auto* grouped = addAction(menu, tr("&Group tensors by module"), QKeySequence(tr("Ctrl+G")), QStringLiteral("tree"), {});
    grouped->setCheckable(true);
    grouped->setChecked(true);
    connect(grouped, &QAction::toggled, m_tensorNavigator, &TensorNavigator::setGrouped);
    addAction(menu, tr("&Reset layout"), {}, {}, [this] { resetLayout(); });
    menu.addSeparator();
    auto& themes = *menu.addMenu(tr("&Theme"));
    m_themeActions = new QActionGroup(this);
    const std::pair<QString, QString> choices[] = {
        {QStringLiteral("system"), tr("As the system")}, {QStringLiteral("light"), tr("Light")}, {QStringLiteral("dark"), tr("Dark")}};
    for (const auto& [choice, text] : choices) {
        auto* action = addAction(themes, text, {}, {}, [this, choice = choice] { chooseTheme(choice); });
        action->setCheckable(true);
        action->setChecked(choice == m_workspace.settings().theme());
        m_themeActions->addAction(action);
    }
    addAction(menu, tr("Switch between light and dark"), QKeySequence(tr("Ctrl+Shift+T")), QStringLiteral("theme"), [this] {
        const bool dark = m_workspace.theme().isDark();
        m_themeActions->actions()[dark ? 1 : 2]->trigger();
    });
    addAction(menu, tr("Full screen"), QKeySequence::FullScreen, {}, [this] { isFullScreen() ? showNormal() : showFullScreen(); });
}

void MainWindow::makeRunMenu() {
    auto& menu = *menuBar()->addMenu(tr("&Run"));
    m_menus.emplace_back(tr("Run"), &menu);
    m_modelActions << addAction(menu, tr("&Add method…"), QKeySequence(tr("Ctrl+M")), QStringLiteral("add"), [this] {
        setMode(Mode::Model);
        m_taskDock->show();
        m_planPanel->browse();
    });
    m_modelActions << addAction(menu, tr("Compare with a stored &model…"), {}, {}, [this] { chooseStored(); });
    m_runAction = addAction(menu, tr("&Quantize"), QKeySequence(tr("Ctrl+Return")), QStringLiteral("run"), [this] { m_workspace.runPlan(); });
    m_modelActions << addAction(menu, tr("S&weep parameters…"), QKeySequence(tr("Ctrl+Shift+W")), {}, [this] { m_workspace.board().askForSweep(); });
    m_stopAction = addAction(menu, tr("&Stop quantizing"), QKeySequence(tr("Ctrl+.")), QStringLiteral("stop"), [this] { m_workspace.cancelPlan(); });
    m_modelActions << addAction(menu, tr("&Calibrate"), QKeySequence(tr("Ctrl+Shift+C")), {}, [this] { handleRequest(WindowRequest::Calibrate); });
    m_modelActions << addAction(menu, tr("Compute statistics of all tensors"), {}, {}, [this] { m_workspace.statisticsCache().computeAll(); });
    auto* results = menu.addMenu(tr("Earlier &results"));
    connect(results, &QMenu::aboutToShow, this, [this, results] {
        results->clear();
        auto& document = m_workspace.document();
        for (int i = 0; i < static_cast<int>(document.reports().size()); ++i) {
            QStringList labels;
            const auto& methods = document.reports()[static_cast<std::size_t>(i)]->methods;
            constexpr std::size_t kNamed = 4; // a sweep has hundreds
            for (std::size_t m = 0; m < std::min(kNamed, methods.size()); ++m) labels << QString::fromStdString(methods[m].label);
            if (methods.size() > kNamed) labels << tr("%n more", nullptr, static_cast<int>(methods.size() - kNamed));
            auto* action = results->addAction(labels.join(QStringLiteral(", ")));
            action->setCheckable(true);
            action->setChecked(i == document.currentReport());
            connect(action, &QAction::triggered, this, [&document, i] { document.showReport(i); });
        }
        if (results->isEmpty()) results->addAction(tr("Nothing has run yet"))->setEnabled(false);
    });
    menu.addSeparator();
    m_circuitActions << addAction(menu, tr("One operation forward"), QKeySequence(tr("Ctrl+Right")), QStringLiteral("next"), [this] { m_simulatePanel->step(1); });
    m_circuitActions << addAction(menu, tr("One operation back"), QKeySequence(tr("Ctrl+Left")), QStringLiteral("previous"), [this] { m_simulatePanel->step(-1); });
    m_circuitActions << addAction(menu, tr("To the start of the circuit"), QKeySequence(tr("Ctrl+Home")), {}, [this] { m_simulatePanel->step(-kAllSteps); });
    m_circuitActions << addAction(menu, tr("To the end of the circuit"), QKeySequence(tr("Ctrl+End")), {}, [this] { m_simulatePanel->step(kAllSteps); });
    menu.addSeparator();
    auto* devices = menu.addMenu(tr("&Device"));
    setIcon(*devices->menuAction(), QStringLiteral("device"), m_workspace.theme());
    fillDeviceMenu(*devices);
}

void MainWindow::fillDeviceMenu(QMenu& menu) {
    m_deviceActions = new QActionGroup(this);
    const auto add = [this, &menu](const QString& choice, const QString& text) {
        auto* action = addAction(menu, text, {}, {}, [this, choice] { m_workspace.useDevice(choice); });
        action->setCheckable(true);
        action->setChecked(choice == m_workspace.settings().device());
        m_deviceActions->addAction(action);
        return action;
    };
    add(QStringLiteral("auto"), tr("Automatic"));
    add(QStringLiteral("cpu"), tr("Processor"));
    // Drivers may take seconds to answer.
    connect(&menu, &QMenu::aboutToShow, this, [this, add] {
        if (m_deviceActions->actions().size() > 2) return;
        runJob(
            *m_deviceJobs, QString(), [](const RunContext&) -> Result<std::vector<Device>> { return listDevices(); },
            [this, add](const Result<std::vector<Device>>& devices) {
                if (m_deviceActions->actions().size() > 2) return;
                for (const auto& device : *devices) {
                    if (device.choice == "cpu") continue;
                    auto* action = add(QString::fromStdString(device.choice), QString::fromStdString(device.name));
                    action->setEnabled(device.refused.empty());
                    action->setToolTip(QString::fromStdString(device.refused));
                }
            });
    });
}

void MainWindow::makeHelpMenu() {
    auto& menu = *menuBar()->addMenu(tr("&Help"));
    m_menus.emplace_back(tr("Help"), &menu);
    addAction(menu, tr("&Command palette…"), QKeySequence(tr("Ctrl+Shift+P")), QStringLiteral("search"), [this] { openPalette(); });
    addAction(menu, tr("&Keyboard shortcuts"), QKeySequence(tr("F1")), QStringLiteral("help"), [this] {
        ShortcutSheet::Groups groups;
        for (const auto& [name, source] : m_menus) groups.emplace_back(name, commandsOf(*source));
        (new ShortcutSheet(m_workspace, groups, this))->show();
    });
    auto& tours = *menu.addMenu(tr("&Tours"));
    for (std::size_t i = 0; i < m_tours.size(); ++i)
        addAction(tours, m_tours[i].title, {}, {}, [this, i] { startTour(static_cast<int>(i)); });
    menu.addSeparator();
    addAction(menu, tr("&Plugins…"), {}, QStringLiteral("plugin"), [this] { (new PluginsDialog(m_workspace, m_host.records(), this))->show(); });
    addAction(menu, tr("&About Quantoscope"), {}, {}, [this] { (new AboutDialog(m_workspace, this))->show(); });
}

void MainWindow::makeToolBar() {
    auto* bar = addToolBar(tr("Main tools"));
    bar->setObjectName(QStringLiteral("mainTools"));
    bar->setMovable(false);
    bar->setIconSize(QSize(16, 16));
    bar->toggleViewAction()->setEnabled(false);
    bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    bar->addActions(m_modeActions->actions());
    auto* space = new QWidget(bar);
    space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    bar->addWidget(space);
    bar->addActions(m_menus[1].second->actions().mid(0, 2));
    bar->addAction(m_exportAction);
    bar->addAction(m_menus.back().second->actions().front());
    for (auto* action : bar->actions())
        if (auto* button = qobject_cast<QToolButton*>(bar->widgetForAction(action)))
            button->setAccessibleName(plain(action->text()));
    for (int i : {0, 1}) // universal signs need no word
        if (auto* button = qobject_cast<QToolButton*>(bar->widgetForAction(m_menus[1].second->actions()[i])))
            button->setToolButtonStyle(Qt::ToolButtonIconOnly);
}

void MainWindow::refreshActions() {
    if (!m_runAction) return;
    const bool model = m_workspace.checkpoint() != nullptr;
    const bool circuit = m_workspace.circuit() && m_workspace.circuit()->circuit;
    for (auto* action : m_modelActions) action->setEnabled(model);
    for (auto* action : m_circuitActions) action->setEnabled(circuit);
    refreshSaving();
    m_saveSessionAction->setEnabled(model || m_workspace.circuit());
    m_exportAction->setEnabled(model);
    m_reportAction->setEnabled(m_workspace.report() != nullptr);
    m_runAction->setEnabled(model && !m_workspace.document().plan().methods.empty() && !m_workspace.planRunning());
    m_stopAction->setEnabled(m_workspace.planRunning());
}

void MainWindow::openPalette() {
    std::vector<Command> commands;
    for (const auto& [name, menu] : m_menus)
        for (auto* action : commandsOf(*menu)) {
            if (!action->isEnabled()) continue;
            const QString shortcut = action->shortcut().toString(QKeySequence::NativeText);
            commands.push_back({plain(action->text()), shortcut.isEmpty() ? name : shortcut, [action] { action->trigger(); }});
        }
    if (m_workspace.checkpoint())
        for (const auto& method : m_workspace.registries().methods.items())
            commands.push_back({tr("Add %1").arg(QString::fromStdString(method->info().name)), tr("Method"),
                                [this, id = QString::fromStdString(method->info().id)] { m_planPanel->addMethod(id); }});
    if (const auto checkpoint = m_workspace.checkpoint())
        for (std::size_t i = 0; i < std::min(checkpoint->tensors.size(), kPaletteTensors); ++i)
            commands.push_back({QString::fromStdString(checkpoint->tensors[i].name), tr("Tensor"), [this, i] {
                Selection selection = m_workspace.selection();
                selection.tensor = static_cast<std::int64_t>(i);
                selection.row = selection.column = -1;
                m_workspace.select(selection);
            }});
    m_palette->open(std::move(commands));
}

} // namespace qscope
