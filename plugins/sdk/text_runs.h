// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_maps.h"
#include "engine/analysis/calibration.h"
#include "engine/report/propagation_report.h"
#include "plugins/sdk/jobs.h"

#include <QObject>

#include <memory>

namespace qscope {

/// What running the open model on a text can give.
enum class TextRun {
    Propagation, ///< how the errors of the report's methods travel through the depth
    Calibration, ///< what flows into the linear layers
    Activations, ///< who attends to whom
    Count
};

/// The results of running the open model on a text, each computed in a job of its own when asked for. Results are
/// immutable snapshots, null until there is one; another checkpoint drops all, another report the propagation.
/// All calls on the window's thread.
class TextRuns : public QObject {
    Q_OBJECT
public:
    /// Path of the text: the user's last choice, else the one that lies with the checkpoint; empty: none yet.
    [[nodiscard]] virtual QString text() const = 0;
    virtual void setText(const QString& path) = 0;

    [[nodiscard]] virtual std::shared_ptr<const engine::PropagationReport> propagation() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const engine::Calibration> calibration() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const engine::ActivationMaps> activations() const = 0;

    /// The methods of the current report on so many tokens. `attribution`: also with single layers quantized, which
    /// takes three runs more per layer and method.
    virtual void propagate(std::int64_t tokens, bool attribution) = 0;
    /// `length` 0: the model's context.
    virtual void calibrate(std::int64_t sequences, std::int64_t length) = 0;
    /// The attention maps of all layers on so many tokens.
    virtual void recordActivations(std::int64_t tokens) = 0;
    virtual void cancel(TextRun run) = 0;

    /// Whether one is running, and how far.
    [[nodiscard]] virtual const Jobs& jobs(TextRun run) const = 0;
    /// Why the last one failed; empty when it did not.
    [[nodiscard]] virtual QString problem(TextRun run) const = 0;

signals:
    /// It started, ended, failed or its result was dropped.
    void changed(qscope::TextRun run);
    void textChanged();
};

} // namespace qscope
