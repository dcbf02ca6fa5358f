// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/list_models.h"
#include "app/views/tour.h"
#include "app/workspace/autosave.h"
#include "app/workspace/workspace.h"

#include <QMainWindow>

class QActionGroup;
class QDockWidget;
class QLabel;
class QStackedWidget;
class QUndoGroup;

namespace qscope {

class CircuitNavigator;
class CommandPalette;
class ExportDialog;
class LibraryDialog;
class NoticeBar;
class PlanPanel;
class SimulatePanel;
class TensorNavigator;
class TourGuide;
class ViewArea;
class WelcomePage;

/// What the window needs from the program that opens it.
struct WindowOptions {
    QString recoveryFolder;  ///< where sessions are kept automatically
    bool systemDark = false; ///< what the desktop asks for
};

/// The window: navigator left, views in the centre, what to do on the right, jobs and messages below.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    enum class Mode { Welcome, Model, Circuit };

    MainWindow(Workspace& workspace, PluginHost& host, const WindowOptions& options, QWidget* parent = nullptr);
    ~MainWindow() override;

    [[nodiscard]] Mode mode() const { return m_mode; }
    void setMode(Mode mode);
    [[nodiscard]] ViewArea& modelArea() { return *m_modelArea; }
    [[nodiscard]] ViewArea& circuitArea() { return *m_circuitArea; }
    [[nodiscard]] TensorNavigator& tensorNavigator() { return *m_tensorNavigator; }
    [[nodiscard]] PlanPanel& planPanel() { return *m_planPanel; }
    [[nodiscard]] SimulatePanel& simulatePanel() { return *m_simulatePanel; }
    [[nodiscard]] CommandPalette& commandPalette() { return *m_palette; }
    [[nodiscard]] NoticeBar& notice() { return *m_notice; }
    [[nodiscard]] TourGuide& tourGuide() { return *m_tourGuide; }
    [[nodiscard]] const std::vector<Tour>& tours() const { return m_tours; }
    [[nodiscard]] Autosave& autosave() { return m_autosave; }

    /// "light", "dark" or "system"; remembered.
    void chooseTheme(const QString& choice);
    /// Opens the palette with every command, view, method and tensor.
    void openPalette();
    /// The dialog that writes a result; null without a model.
    ExportDialog* openExport();
    /// The dialog of ready circuits.
    LibraryDialog* openLibrary();
    void startTour(int index);
    void resetLayout();
    [[nodiscard]] SessionData session() const;

    /// By the ending of the name: `.json`, otherwise a page. In a job.
    void writeReport(const QString& path);

signals:
    void reportWritten(const QString& path);

protected:
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    // main_window.cpp
    void connectWorkspace();
    void applyTheme();
    void handleRequest(WindowRequest what);
    void offerRecovery();
    void refreshTitle();
    void reportProblem(const QString& reason);
    // main_window_docks.cpp
    void makeCentre();
    void makeDocks();
    void makeStatusBar();
    QDockWidget* makeDock(const QString& name, const QString& title, QWidget* content, Qt::DockWidgetArea area);
    [[nodiscard]] QMap<QString, QByteArray> layoutNow() const;
    void restoreLayout(const QMap<QString, QByteArray>& layout);
    // main_window_actions.cpp
    void makeActions();
    void makeFileMenu();
    void makeEditMenu();
    void makeViewMenu();
    void makeRunMenu();
    void makeHelpMenu();
    void makeToolBar();
    void fillRecentMenu(QMenu& menu);
    void fillDeviceMenu(QMenu& menu);
    QAction* addAction(QMenu& menu, const QString& text, const QKeySequence& shortcut, const QString& icon,
                       std::function<void()> run);
    void refreshActions();
    // main_window_circuit.cpp
    void makeCircuitFileActions(QMenu& menu);
    void connectCircuit();
    void saveCircuit(bool choosePath);
    /// Runs `then` at once, or when the user has saved or discarded what the circuit's file does not have.
    void keepCircuit(std::function<void()> then);
    void refreshSaving();
    // main_window_files.cpp
    void chooseModel(bool folder);
    /// Asks for a checkpoint of the same model, which becomes a method of the plan: its weights are compared like a result.
    void chooseStored();
    void chooseCircuit();
    void chooseText();
    void saveSession(bool choosePath);
    void saveReport();
    void savePicture();

    Workspace& m_workspace;
    PluginHost& m_host;
    bool m_systemDark;
    Mode m_mode = Mode::Welcome;
    QString m_sessionPath;
    JobsModel m_jobsModel;
    Autosave m_autosave;
    std::unique_ptr<Jobs> m_reportJobs;
    std::unique_ptr<Jobs> m_deviceJobs;
    std::vector<Tour> m_tours;
    QStackedWidget* m_centre = nullptr;
    NoticeBar* m_notice = nullptr;
    WelcomePage* m_welcome = nullptr;
    ViewArea* m_modelArea = nullptr;
    ViewArea* m_circuitArea = nullptr;
    TensorNavigator* m_tensorNavigator = nullptr;
    CircuitNavigator* m_circuitNavigator = nullptr;
    PlanPanel* m_planPanel = nullptr;
    SimulatePanel* m_simulatePanel = nullptr;
    QDockWidget* m_navigatorDock = nullptr;
    QDockWidget* m_taskDock = nullptr;
    QList<QDockWidget*> m_bottomDocks;
    QByteArray m_windowState; ///< of the panels, while the welcome page hides them
    QStackedWidget* m_navigatorStack = nullptr;
    QStackedWidget* m_taskStack = nullptr;
    QLabel* m_deviceLabel = nullptr;
    CommandPalette* m_palette = nullptr;
    TourGuide* m_tourGuide = nullptr;
    QActionGroup* m_modeActions = nullptr;
    QActionGroup* m_themeActions = nullptr;
    QActionGroup* m_deviceActions = nullptr;
    QAction* m_saveSessionAction = nullptr;
    QAction* m_saveSessionAsAction = nullptr;
    QAction* m_saveCircuitAction = nullptr;
    QAction* m_saveCircuitAsAction = nullptr;
    QUndoGroup* m_undoGroup = nullptr;
    std::function<void()> m_afterCircuitSaved;
    QAction* m_exportAction = nullptr;
    QAction* m_reportAction = nullptr;
    QAction* m_runAction = nullptr;
    QAction* m_stopAction = nullptr;
    QList<QAction*> m_modelActions;   ///< that need an open model
    QList<QAction*> m_circuitActions; ///< that need an open circuit
    std::vector<std::pair<QString, QMenu*>> m_menus;
};

/// The three tours of the welcome page.
[[nodiscard]] std::vector<Tour> makeTours(MainWindow& window, Workspace& workspace);

} // namespace qscope
