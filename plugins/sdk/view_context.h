// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/statistics.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/quantum/sim/simulation.h"
#include "engine/report/compare_report.h"
#include "plugins/sdk/jobs.h"
#include "plugins/sdk/selection.h"
#include "plugins/sdk/text_runs.h"
#include "plugins/sdk/theme.h"

#include <QObject>

#include <memory>

namespace qscope {

/// A circuit as opened: its text and what the parser made of it.
struct OpenCircuit {
    QString path;
    QString text;
    std::shared_ptr<const engine::Circuit> circuit; ///< null when the text has errors
    std::vector<Diagnostic> diagnostics;
};

/// What a view may ask the window to do; the window opens its own dialog or panel for it.
enum class WindowRequest {
    OpenCheckpoint,
    OpenCircuit,
    Quantize,  ///< choose methods and run them
    Export,    ///< write the result of `selection().method`
    ChooseText, ///< the text that models are run on
    Calibrate   ///< run the plan's calibration text, or choose one first
};

/// Everything a view may know and do. Snapshots are immutable and may be kept; a null one means that there is nothing.
/// All calls on the window's thread.
class ViewContext : public QObject {
    Q_OBJECT
public:
    [[nodiscard]] virtual std::shared_ptr<const engine::Checkpoint> checkpoint() const = 0;
    /// Of one tensor; null while it is being computed, `statisticsChanged` follows.
    [[nodiscard]] virtual std::shared_ptr<const engine::TensorStatistics> statistics(std::int64_t tensor) const = 0;
    [[nodiscard]] virtual std::shared_ptr<const engine::CompareReport> report() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const OpenCircuit> circuit() const = 0;
    /// The state after `selection().step` operations; null while it is being computed.
    [[nodiscard]] virtual std::shared_ptr<const engine::SimulationResult> simulation() const = 0;

    /// Why there is no state and none is coming (too many qubits, no simulator), as one sentence; empty otherwise.
    [[nodiscard]] virtual QString simulationProblem() const { return {}; }

    [[nodiscard]] virtual const Selection& selection() const = 0;
    virtual void select(const Selection& selection) = 0;

    /// Colours and fonts in force; `themeChanged` tells of a switch.
    [[nodiscard]] virtual const Theme& theme() const = 0;
    /// A job runner for one view; owned by the view.
    [[nodiscard]] virtual std::unique_ptr<Jobs> makeJobs() = 0;
    /// For empty states, double clicks and menus: the same as the user choosing the command in the window.
    virtual void request(WindowRequest what) = 0;
    /// A line in the message list; errors are also shown where they belong by the view itself.
    virtual void showMessage(const QString& text, Severity severity = Severity::Note) = 0;

    /// What the open model does on a text; lives as long as the context.
    [[nodiscard]] virtual TextRuns& textRuns() = 0;

signals:
    void checkpointChanged();
    void statisticsChanged(qint64 tensor);
    void reportChanged();
    void circuitChanged();
    void simulationChanged();
    void selectionChanged(const qscope::Selection& before);
    void themeChanged();
};

} // namespace qscope
