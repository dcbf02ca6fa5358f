// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/result_board.h"
#include "tests/support/fake_context.h"

namespace qscope::test {

/// The window's board as a test holds it: lists are plain members, requests are written down.
class FakeBoard : public ResultBoard {
public:
    explicit FakeBoard(FakeContext& context)
        : ResultBoard(&context)
        , m_jobs(context.makeJobs()) {}

    std::vector<PinnedColumn> pins;
    QString base;
    engine::Registries methods;
    int sweepsAsked = 0;
    int missingRuns = 0;
    int cancels = 0;
    std::vector<std::pair<int, QString>> reruns;
    QString failure;

    void startJob() {
        m_jobs->start(QStringLiteral("sweep"), [](const RunContext&) -> Jobs::Completion { return {}; });
        emit runChanged();
    }

    [[nodiscard]] const std::vector<PinnedColumn>& pinned() const override { return pins; }
    void setPinned(std::vector<PinnedColumn> columns, const QString&) override {
        pins = std::move(columns);
        emit changed();
    }
    [[nodiscard]] QString baseline() const override { return base; }
    void setBaseline(const QString& label) override {
        base = label;
        emit changed();
    }
    [[nodiscard]] const engine::Registries& registries() const override { return methods; }
    void runMissing() override { ++missingRuns; }
    void askForSweep() override { ++sweepsAsked; }
    void askForRerun(int method, const QString& tensor) override { reruns.emplace_back(method, tensor); }
    [[nodiscard]] const Jobs& jobs() const override { return *m_jobs; }
    void cancel() override {
        ++cancels;
        m_jobs->cancel();
        emit runChanged();
    }
    [[nodiscard]] QString problem() const override { return failure; }

private:
    std::unique_ptr<Jobs> m_jobs;
};

} // namespace qscope::test
