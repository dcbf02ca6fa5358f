// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/job_runner.h"
#include "app/workspace/settings.h"
#include "engine/report/compare_report.h"
#include "plugins/sdk/text_runs.h"

#include <array>
#include <set>
#include <string>

namespace qscope {

namespace engine {
class CalibrationCache;
struct Model;
struct Plan;
struct Registries;
} // namespace engine

/// Runs the open checkpoint on texts. Each kind of run supersedes only its own kind.
class TextRunner final : public TextRuns {
    Q_OBJECT
public:
    /// The cache outlives it.
    TextRunner(Settings& settings, engine::CalibrationCache& calibrations, JobList& jobs,
               const JobRunner::BackendSource& backend);
    ~TextRunner() override;

    void setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint);
    void setReport(std::shared_ptr<const engine::CompareReport> report);
    /// The same results and more behind them: what was followed stays right.
    void extendReport(std::shared_ptr<const engine::CompareReport> report) { m_report = std::move(report); }
    /// Labels of the results that are followed when there are too many for all.
    void setPreferred(std::set<std::string> labels) { m_preferred = std::move(labels); }

    [[nodiscard]] QString text() const override;
    void setText(const QString& path) override;
    [[nodiscard]] std::shared_ptr<const engine::PropagationReport> propagation() const override {
        return m_propagation;
    }
    [[nodiscard]] std::shared_ptr<const engine::Calibration> calibration() const override { return m_calibration; }
    [[nodiscard]] std::shared_ptr<const engine::ActivationMaps> activations() const override { return m_activations; }
    void propagate(std::int64_t tokens, bool attribution) override;
    void calibrate(std::int64_t sequences, std::int64_t length) override;
    /// As a run of the plan will, so that the run finds it in the cache.
    void calibrate(const engine::Plan& plan, const engine::Registries& registries);
    void recordActivations(std::int64_t tokens) override;
    void cancel(TextRun run) override { slot(run).runner.cancel(); }
    [[nodiscard]] const Jobs& jobs(TextRun run) const override {
        return m_slots[static_cast<std::size_t>(run)]->runner;
    }
    [[nodiscard]] QString problem(TextRun run) const override {
        return m_slots[static_cast<std::size_t>(run)]->problem;
    }

private:
    struct Slot {
        QString problem;
        JobRunner runner;
    };
    [[nodiscard]] Slot& slot(TextRun run) { return *m_slots[static_cast<std::size_t>(run)]; }
    /// `work`: (const Model&, const RunContext&) -> Result of what `result` points to.
    template<class T, class Work>
    void start(TextRun run, const QString& title, std::shared_ptr<const T>& result, Work work);

    Settings& m_settings;
    engine::CalibrationCache& m_calibrations;
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::shared_ptr<const engine::CompareReport> m_report;
    std::set<std::string> m_preferred;
    std::shared_ptr<const engine::PropagationReport> m_propagation;
    std::shared_ptr<const engine::Calibration> m_calibration;
    std::shared_ptr<const engine::ActivationMaps> m_activations;
    std::array<std::unique_ptr<Slot>, static_cast<std::size_t>(TextRun::Count)> m_slots;
};

} // namespace qscope
