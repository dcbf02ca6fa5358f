// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/activity_panels.h"
#include "app/views/circuit_navigator.h"
#include "app/views/dialogs.h"
#include "app/views/main_window.h"
#include "app/views/plan_panel.h"
#include "app/views/simulate_panel.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"
#include "app/views/view_sections.h"
#include "app/views/welcome_page.h"
#include "plugins/sdk/widgets/panel.h"

#include <QDockWidget>
#include <QLabel>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabBar>
#include <QVBoxLayout>

#include <algorithm>
#include <array>

namespace qscope {

namespace {

constexpr const char* kGeometry = "geometry";
constexpr const char* kWindow = "window";
constexpr const char* kModel = "model";
constexpr const char* kCircuit = "circuit";

constexpr int kSideWidth = 264;
constexpr int kTallWindow = 840; ///< below this the bottom panels start hidden; the status bar shows the job

/// What a new user sees of each subject before choosing a tab; the others come by section.
constexpr std::array kFirst{"distribution", "comparison", "circuit", "state_probabilities"};

std::vector<OfferedView> about(const std::vector<OfferedView>& views, ViewSubject subject) {
    std::vector<OfferedView> chosen;
    for (const auto& view : views)
        if (view.info.subject == subject) chosen.push_back(view);
    sortBySection(chosen);
    std::ranges::stable_partition(chosen, [](const OfferedView& view) {
        return std::ranges::any_of(kFirst, [&](const char* id) { return view.info.id == QLatin1String(id); });
    });
    return chosen;
}

} // namespace

void MainWindow::makeCentre() {
    const auto views = offeredViews(m_host);
    m_welcome = new WelcomePage(m_workspace, m_tours, this);
    m_modelArea = new ViewArea(QStringLiteral("modelArea"), about(views, ViewSubject::Tensor),
                               about(views, ViewSubject::Report), m_workspace, this);
    m_circuitArea = new ViewArea(QStringLiteral("circuitArea"), about(views, ViewSubject::Circuit),
                                 about(views, ViewSubject::State), m_workspace, this);
    m_centre = new QStackedWidget(this);
    m_centre->addWidget(m_welcome);
    for (auto* area : {m_modelArea, m_circuitArea}) {
        if (!area->views().empty()) {
            m_centre->addWidget(area);
            continue;
        }
        auto* empty = new EmptyState(m_workspace, this);
        empty->setContent(tr("Views come from plugins, and none is in use. The Plugins dialog says why."));
        m_centre->addWidget(empty);
    }
    m_notice = new NoticeBar(m_workspace, this);
    auto* column = new QWidget(this);
    auto* layout = new QVBoxLayout(column);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_notice);
    layout->addWidget(m_centre, 1);
    setCentralWidget(column);
    connect(m_welcome, &WelcomePage::openRequested, &m_workspace, &Workspace::open);
    connect(m_welcome, &WelcomePage::tourRequested, this, &MainWindow::startTour);
}

QDockWidget* MainWindow::makeDock(const QString& name, const QString& title, QWidget* content, Qt::DockWidgetArea area) {
    auto* dock = new QDockWidget(title, this);
    dock->setObjectName(name);
    dock->setWidget(content);
    content->setAutoFillBackground(true);
    addDockWidget(area, dock);
    return dock;
}

void MainWindow::makeDocks() {
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    setTabPosition(Qt::BottomDockWidgetArea, QTabWidget::North);
    m_tensorNavigator = new TensorNavigator(m_workspace, this);
    m_circuitNavigator = new CircuitNavigator(m_workspace, this);
    m_navigatorStack = new QStackedWidget(this);
    m_navigatorStack->addWidget(m_tensorNavigator);
    m_navigatorStack->addWidget(m_circuitNavigator);
    m_navigatorDock = makeDock(QStringLiteral("navigatorDock"), tr("Navigator"), m_navigatorStack, Qt::LeftDockWidgetArea);
    m_planPanel = new PlanPanel(m_workspace, this);
    m_simulatePanel = new SimulatePanel(m_workspace, this);
    m_taskStack = new QStackedWidget(this);
    m_taskStack->addWidget(m_planPanel);
    m_taskStack->addWidget(m_simulatePanel);
    m_taskDock = makeDock(QStringLiteral("taskDock"), tr("Quantize"), m_taskStack, Qt::RightDockWidgetArea);
    m_taskDock->setMinimumWidth(kSideWidth - 24);
    m_navigatorDock->setMinimumWidth(kSideWidth - 40);

    m_bottomDocks = {
        makeDock(QStringLiteral("jobsDock"), tr("Jobs"), new JobsPanel(m_workspace, m_jobsModel, this), Qt::BottomDockWidgetArea),
        makeDock(QStringLiteral("messagesDock"), tr("Messages"), new MessagesPanel(m_workspace, this), Qt::BottomDockWidgetArea),
        makeDock(QStringLiteral("resultsDock"), tr("Tensor results"), new ResultsPanel(m_workspace, this), Qt::BottomDockWidgetArea)};
    for (auto* dock : m_bottomDocks) dock->setTitleBarWidget(makeNoTitle(dock)); // the tab has the title
    resetLayout();
}

void MainWindow::resetLayout() {
    addDockWidget(Qt::LeftDockWidgetArea, m_navigatorDock);
    addDockWidget(Qt::RightDockWidgetArea, m_taskDock);
    for (auto* dock : m_bottomDocks) {
        addDockWidget(Qt::BottomDockWidgetArea, dock);
        if (dock != m_bottomDocks.front()) tabifyDockWidget(m_bottomDocks.front(), dock);
    }
    m_bottomDocks.front()->raise();
    for (auto* dock : QList<QDockWidget*>{m_navigatorDock, m_taskDock} + m_bottomDocks) dock->setFloating(false);
    if (m_mode == Mode::Welcome) {
        m_windowState.clear();
    } else {
        for (auto* dock : {m_navigatorDock, m_taskDock}) dock->show();
        for (auto* dock : m_bottomDocks) dock->setVisible(height() >= kTallWindow);
    }
    resizeDocks({m_navigatorDock, m_taskDock}, {kSideWidth, kSideWidth}, Qt::Horizontal);
    resizeDocks({m_bottomDocks.front()}, {144}, Qt::Vertical);
    m_modelArea->resetLayout();
    m_circuitArea->resetLayout();
}

void MainWindow::makeStatusBar() {
    statusBar()->addWidget(new JobStrip(m_jobsModel, this), 1);
    m_deviceLabel = new QLabel(this);
    m_deviceLabel->setContentsMargins(8, 0, 8, 0);
    m_deviceLabel->setToolTip(tr("Where work runs; the Run menu changes it"));
    const auto show = [this] { m_deviceLabel->setText(QString::fromStdString(m_workspace.backend()->name())); };
    connect(&m_workspace, &Workspace::deviceChanged, m_deviceLabel, show);
    show();
    statusBar()->addPermanentWidget(m_deviceLabel);
}

QMap<QString, QByteArray> MainWindow::layoutNow() const {
    return {{QLatin1String(kGeometry), saveGeometry()},
            {QLatin1String(kWindow), m_mode == Mode::Welcome ? m_windowState : saveState(kLayoutVersion)},
            {QLatin1String(kModel), m_modelArea->saveState(kLayoutVersion)},
            {QLatin1String(kCircuit), m_circuitArea->saveState(kLayoutVersion)}};
}

void MainWindow::restoreLayout(const QMap<QString, QByteArray>& layout) {
    if (layout.isEmpty()) return;
    restoreGeometry(layout.value(QLatin1String(kGeometry)));
    m_windowState = layout.value(QLatin1String(kWindow));
    if (m_mode != Mode::Welcome) restoreState(m_windowState, kLayoutVersion);
    m_modelArea->restoreState(layout.value(QLatin1String(kModel)), kLayoutVersion);
    m_circuitArea->restoreState(layout.value(QLatin1String(kCircuit)), kLayoutVersion);
}

} // namespace qscope
