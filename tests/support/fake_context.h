// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "plugins/sdk/view_context.h"
#include "tests/support/fake_text_runs.h"

#include <QApplication>

#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace qscope::test {

/// What a test holds in its hand instead of the window: snapshots are plain members, `changed` functions tell the
/// views. Jobs run within `start`, or wait for `finishJobs` when `holdJobs` is set.
class FakeContext : public ViewContext {
public:
    FakeContext() { QApplication::setPalette(look.palette()); }

    std::shared_ptr<const engine::Checkpoint> openedCheckpoint;
    std::map<std::int64_t, std::shared_ptr<const engine::TensorStatistics>> knownStatistics;
    std::shared_ptr<const engine::CompareReport> shownReport;
    std::shared_ptr<const OpenCircuit> openedCircuit;
    std::shared_ptr<const engine::SimulationResult> simulated;
    QString problem;
    FakeTextRuns runs;
    Selection selected;
    Theme look = Theme::named(QStringLiteral("light"));

    bool holdJobs = false;
    int jobsStarted = 0;
    std::vector<WindowRequest> requests;
    std::vector<QString> messages;

    void setTheme(const QString& name) {
        look = Theme::named(name);
        QApplication::setPalette(look.palette());
        emit themeChanged();
    }
    void setCheckpoint(std::shared_ptr<const engine::Checkpoint> value) {
        openedCheckpoint = std::move(value);
        emit checkpointChanged();
    }
    void setReport(std::shared_ptr<const engine::CompareReport> value) {
        shownReport = std::move(value);
        emit reportChanged();
    }
    void setCircuit(std::shared_ptr<const OpenCircuit> value) {
        openedCircuit = std::move(value);
        emit circuitChanged();
    }
    void setSimulation(std::shared_ptr<const engine::SimulationResult> value) {
        simulated = std::move(value);
        emit simulationChanged();
    }
    /// Runs what `holdJobs` kept back, oldest first; jobs superseded or cancelled in the meantime are gone.
    void finishJobs() {
        const auto waiting = std::exchange(m_waiting, {});
        for (const auto& job : waiting)
            if (const auto work = job.lock()) (*work)();
    }

    [[nodiscard]] std::shared_ptr<const engine::Checkpoint> checkpoint() const override { return openedCheckpoint; }
    [[nodiscard]] std::shared_ptr<const engine::TensorStatistics> statistics(std::int64_t tensor) const override {
        const auto found = knownStatistics.find(tensor);
        return found == knownStatistics.end() ? nullptr : found->second;
    }
    [[nodiscard]] std::shared_ptr<const engine::CompareReport> report() const override { return shownReport; }
    [[nodiscard]] std::shared_ptr<const OpenCircuit> circuit() const override { return openedCircuit; }
    [[nodiscard]] std::shared_ptr<const engine::SimulationResult> simulation() const override { return simulated; }
    [[nodiscard]] QString simulationProblem() const override { return problem; }
    [[nodiscard]] TextRuns& textRuns() override { return runs; }
    [[nodiscard]] const Selection& selection() const override { return selected; }
    void select(const Selection& selection) override {
        if (selection == selected) return;
        const Selection before = std::exchange(selected, selection);
        emit selectionChanged(before);
    }
    [[nodiscard]] const Theme& theme() const override { return look; }
    [[nodiscard]] std::unique_ptr<Jobs> makeJobs() override { return std::make_unique<FakeJobs>(*this); }
    void request(WindowRequest what) override { requests.push_back(what); }
    void showMessage(const QString& text, Severity) override { messages.push_back(text); }

private:
    using Pending = std::function<void()>;

    class FakeJobs : public Jobs {
    public:
        explicit FakeJobs(FakeContext& context)
            : m_context(context) {}

        void start(const QString&, Work work) override {
            ++m_context.jobsStarted;
            m_pending = std::make_shared<Pending>([this, work = std::move(work)] {
                const auto self = std::exchange(m_pending, nullptr); // not running any more, and alive until the end
                Progress progress;
                Diagnostics notes;
                const std::stop_source stop;
                const RunContext run{stop.get_token(), progress, notes, *m_context.m_backend};
                if (const auto complete = work(run)) complete();
            });
            if (m_context.holdJobs)
                m_context.m_waiting.push_back(m_pending);
            else
                (*std::shared_ptr<Pending>(m_pending))();
        }
        void cancel() override { m_pending.reset(); }
        [[nodiscard]] bool running() const override { return m_pending != nullptr; }
        [[nodiscard]] std::optional<double> fraction() const override { return std::nullopt; }

    private:
        FakeContext& m_context;
        std::shared_ptr<Pending> m_pending;
    };

    std::unique_ptr<engine::ComputeBackend> m_backend = engine::makeCpuBackend();
    std::deque<std::weak_ptr<Pending>> m_waiting;
};

} // namespace qscope::test
