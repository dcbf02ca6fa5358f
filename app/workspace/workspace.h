// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/board_keeper.h"
#include "app/workspace/document.h"
#include "app/workspace/job_runner.h"
#include "app/workspace/messages.h"
#include "app/workspace/open_files.h"
#include "app/workspace/session.h"
#include "app/workspace/settings.h"
#include "app/workspace/simulation_follower.h"
#include "app/workspace/statistics_cache.h"
#include "app/workspace/text_runner.h"
#include "engine/registry.h"
#include "plugins/sdk/circuit_text.h"
#include "plugins/sdk/view_context.h"

namespace qscope {

/// Everything behind the window: the document, the jobs that fill it, the shared selection, theme and device. Views see it as
/// their `ViewContext`. On the window's thread.
class Workspace final : public ViewContext, public CircuitEditing {
    Q_OBJECT
public:
    /// `registries` are filled by then and outlive the workspace, as do the settings.
    Workspace(const engine::Registries& registries, Settings& settings);
    ~Workspace() override;

    [[nodiscard]] std::shared_ptr<const engine::Checkpoint> checkpoint() const override;
    [[nodiscard]] std::shared_ptr<const engine::TensorStatistics> statistics(std::int64_t tensor) const override;
    [[nodiscard]] std::shared_ptr<const engine::CompareReport> report() const override;
    [[nodiscard]] std::shared_ptr<const OpenCircuit> circuit() const override;
    [[nodiscard]] std::shared_ptr<const engine::SimulationResult> simulation() const override;
    [[nodiscard]] QString simulationProblem() const override;
    [[nodiscard]] TextRuns& textRuns() override { return m_textRunner; }
    [[nodiscard]] const Selection& selection() const override { return m_selection; }
    void select(const Selection& selection) override;
    [[nodiscard]] const Theme& theme() const override { return m_theme; }
    [[nodiscard]] std::unique_ptr<Jobs> makeJobs() override;
    void request(WindowRequest what) override;
    void showMessage(const QString& text, Severity severity = Severity::Note) override;

    [[nodiscard]] CircuitText& circuitText() override { return m_circuitText; }

    [[nodiscard]] const engine::Registries& registries() const { return m_registries; }
    [[nodiscard]] Settings& settings() { return m_settings; }
    [[nodiscard]] Document& document() { return m_document; }
    [[nodiscard]] BoardKeeper& board() { return m_board; }
    [[nodiscard]] JobList& jobs() { return m_jobs; }
    [[nodiscard]] Messages& messages() { return m_messages; }
    [[nodiscard]] StatisticsCache& statisticsCache() { return m_statistics; }
    [[nodiscard]] SimulationFollower& simulationFollower() { return m_simulation; }
    [[nodiscard]] std::shared_ptr<engine::ComputeBackend> backend() const { return m_backend; }
    [[nodiscard]] JobRunner::BackendSource backendSource();

    /// Opens a checkpoint (file or folder), a circuit (`.qasm`) or a session (`.qscope`) in a job; `opened` or `openFailed`.
    void open(const QString& path);
    /// One after the other.
    void openAll(const QStringList& paths);
    /// Shows a circuit that no file has yet.
    void newCircuit(const QString& text);
    /// Writes the circuit's text; `circuitSaved`, or `circuitSaveFailed`. Later saves go to the same path.
    void saveCircuitTo(const QString& path);
    /// Forgets changes that no file has, so that nothing is asked any more.
    void discardCircuitChanges() { m_circuitText.markSaved(); }
    /// Runs the document's plan; `planRunEnded`, and a new report when it went well.
    void runPlan();
    void cancelPlan();
    /// Runs the plan's calibration text through the model; `textRuns().calibration()` when it is done.
    void calibrate();
    /// The calibration that a run of the plan as it stands uses, or null where that has not been made.
    [[nodiscard]] std::shared_ptr<const engine::Calibration> planCalibration() const;
    [[nodiscard]] bool planRunning() const { return m_planRunner.running(); }

    void applyTheme(const Theme& theme);
    /// Makes the device's backend in a job; running jobs keep the old one.
    void useDevice(const QString& choice);

    /// All but the layout, which only the window knows.
    [[nodiscard]] SessionData session() const;
    void saveSessionTo(const QString& path, SessionData session);

signals:
    void opened(const QString& path);
    void openFailed(const QString& path, const QString& reason);
    /// Opening these would replace a circuit whose changes are in no file. Ask, save or discard, then open them again.
    void circuitWouldBeLost(const QStringList& paths);
    void circuitSaved(const QString& path);
    void circuitSaveFailed(const QString& path, const QString& reason);
    void planRunningChanged();
    void planRunFailed(const QString& reason);
    void requested(qscope::WindowRequest what);
    void deviceChanged();
    /// A session is open; its layout may be empty.
    void sessionRestored(const QMap<QString, QByteArray>& layout);
    void sessionSaved(const QString& path);

private:
    void adopt(const QString& path, OpenedFiles files);
    void adoptCircuit(std::shared_ptr<const OpenCircuit> circuit, bool saved);
    void adoptEditedCircuit(std::shared_ptr<const OpenCircuit> circuit);
    void adoptSession(SessionData session);
    void selectFirstMatrix();
    /// The selected result keeps the selection when a new report has it in another place.
    void rememberResult();
    void followResult();
    void documentChanged(Document::Change change);

    const engine::Registries& m_registries;
    Settings& m_settings;
    QStringList m_toOpen; ///< after the one that is being opened
    JobList m_jobs;
    Messages m_messages;
    Document m_document;
    Selection m_selection;
    std::string m_selectedLabel; ///< of the selected method's result
    Theme m_theme;
    std::shared_ptr<engine::ComputeBackend> m_backend;
    mutable StatisticsCache m_statistics; ///< asking for statistics starts their computation
    SimulationFollower m_simulation;
    std::unique_ptr<engine::CalibrationCache> m_calibrations; ///< before the runners, which stop first
    TextRunner m_textRunner;
    BoardKeeper m_board;
    JobRunner m_openRunner;
    JobRunner m_planRunner;
    JobRunner m_deviceRunner;
    JobRunner m_saveRunner;
    CircuitText m_circuitText;
};

} // namespace qscope
