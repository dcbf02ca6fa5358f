// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/text_runs.h"

#include <vector>

namespace qscope::test {

/// Results as plain members; what was asked for is counted and left undone.
class FakeTextRuns : public TextRuns {
public:
    QString chosenText;
    std::shared_ptr<const engine::PropagationReport> propagated;
    std::shared_ptr<const engine::Calibration> calibrated;
    std::shared_ptr<const engine::ActivationMaps> recorded;
    QString failure;
    bool busy = false;
    struct Asked {
        TextRun run;
        std::int64_t tokens;
        bool attribution;
    };
    std::vector<Asked> asked;
    std::vector<TextRun> cancelled;

    [[nodiscard]] QString text() const override { return chosenText; }
    void setText(const QString& path) override {
        chosenText = path;
        emit textChanged();
    }
    [[nodiscard]] std::shared_ptr<const engine::PropagationReport> propagation() const override { return propagated; }
    [[nodiscard]] std::shared_ptr<const engine::Calibration> calibration() const override { return calibrated; }
    [[nodiscard]] std::shared_ptr<const engine::ActivationMaps> activations() const override { return recorded; }
    void propagate(std::int64_t tokens, bool attribution) override {
        asked.push_back({TextRun::Propagation, tokens, attribution});
    }
    void calibrate(std::int64_t sequences, std::int64_t) override {
        asked.push_back({TextRun::Calibration, sequences, false});
    }
    void recordActivations(std::int64_t tokens) override { asked.push_back({TextRun::Activations, tokens, false}); }
    void cancel(TextRun run) override { cancelled.push_back(run); }
    [[nodiscard]] const Jobs& jobs(TextRun) const override { return m_jobs; }
    [[nodiscard]] QString problem(TextRun) const override { return failure; }

private:
    class Idle : public Jobs {
    public:
        explicit Idle(const bool& busy)
            : m_busy(busy) {}
        void start(const QString&, Work) override {}
        void cancel() override {}
        [[nodiscard]] bool running() const override { return m_busy; }
        [[nodiscard]] std::optional<double> fraction() const override { return std::nullopt; }

    private:
        const bool& m_busy;
    };
    Idle m_jobs{busy};
};

} // namespace qscope::test
