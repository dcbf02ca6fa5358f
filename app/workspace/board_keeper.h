// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/document.h"
#include "app/workspace/job_runner.h"
#include "app/workspace/text_runner.h"
#include "plugins/sdk/result_board.h"

#include <functional>
#include <map>
#include <span>

namespace qscope {

/// A new report in which pinned results live on, before the new ones; each is looked for in the `earlier` reports, the
/// first that has it counts. `pinned` gets the labels they have now. A pinned result that the run made again, equal, is
/// not kept twice. What was measured on another text does not compare and goes.
[[nodiscard]] std::shared_ptr<const engine::CompareReport>
withPinned(std::span<const std::shared_ptr<const engine::CompareReport>> earlier, const engine::CompareReport& made,
           std::vector<PinnedColumn>& pinned);

/// The window's board: pins, baseline, and the runs beside the plan's own. Remembers with which plan each result was
/// made, so that it can be made again.
class BoardKeeper final : public ResultBoard {
    Q_OBJECT
public:
    /// All outlive it; `context` becomes its parent, where views find it.
    BoardKeeper(Document& document, TextRunner& texts, const engine::Registries& registries,
                engine::CalibrationCache& calibrations, JobList& jobs, const JobRunner::BackendSource& backend,
                ViewContext& context);

    [[nodiscard]] const std::vector<PinnedColumn>& pinned() const override { return m_pinned; }
    void setPinned(std::vector<PinnedColumn> columns, const QString& text) override;
    [[nodiscard]] QString baseline() const override { return m_baseline; }
    void setBaseline(const QString& label) override;
    [[nodiscard]] const engine::Registries& registries() const override { return m_registries; }
    void runMissing() override;
    void askForSweep() override { emit sweepAsked(); }
    void askForRerun(int method, const QString& tensor) override { emit rerunAsked(method, tensor); }
    [[nodiscard]] const Jobs& jobs() const override { return m_rerunner.running() ? m_rerunner : m_sweeper; }
    void cancel() override;
    [[nodiscard]] QString problem() const override { return m_problem; }

    /// Without an undo step: from a session file.
    void restore(std::vector<PinnedColumn> pinned, const QString& baseline);
    /// Shows what a run of `plan` made, with what is pinned.
    void adopt(std::shared_ptr<const engine::CompareReport> made, const engine::Plan& plan);
    /// Runs the plan's sweeps without its own methods. `tensor`: on this one alone, where not empty.
    void runSweeps(const QString& tensor);
    /// Runs a method as the result `method` was run, and puts its result behind that one's pin and at the report's end.
    void rerun(int method, const QString& tensor, const engine::MethodSpec& spec);
    /// Makes the codes of a result again where they were not kept.
    void fillCodes(int method);

    /// While `reportChanged` tells of more behind the same results, not of a new run.
    [[nodiscard]] bool extending() const { return m_extending; }

signals:
    void sweepAsked();
    void rerunAsked(int method, const QString& tensor);

private:
    using Report = std::shared_ptr<const engine::CompareReport>;
    /// Runs a plan; `done` gets its report when the checkpoint is still the same.
    void run(JobRunner& runner, const QString& title, const engine::Plan& plan,
             std::function<void(const Report&)> done);
    /// The plan that made a result, with one method.
    [[nodiscard]] engine::Plan originOf(const engine::MethodResult& result) const;
    /// The same report with more in it: what views computed from it stays right.
    void extend(engine::CompareReport report);

    Document& m_document;
    TextRunner& m_texts;
    const engine::Registries& m_registries;
    engine::CalibrationCache& m_calibrations;
    std::vector<PinnedColumn> m_pinned;
    QString m_baseline;
    QString m_problem;
    bool m_extending = false;
    std::map<std::string, engine::Plan> m_origins; ///< by label
    JobRunner m_sweeper;
    JobRunner m_rerunner; ///< apart: looking at one result must not end a sweep
    JobRunner m_filler;
};

} // namespace qscope
