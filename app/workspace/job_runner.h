// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/job_list.h"
#include "plugins/sdk/jobs.h"

#include <QPointer>

#include <optional>
#include <thread>

namespace qscope {

/// Runs one job at a time on a thread of its own. A new job asks the one before to stop and starts when that has ended,
/// so that two generations of the same work never compete for memory; of several waiting jobs only the last runs.
/// The outcome is posted to the window's thread and dropped when the job was cancelled or superseded.
class JobRunner final : public QObject, public Jobs {
    Q_OBJECT
public:
    using BackendSource = std::function<std::shared_ptr<engine::ComputeBackend>()>;

    /// `backend` is asked on the window's thread when a job starts; the job keeps what it got.
    JobRunner(JobList& list, BackendSource backend, QObject* parent = nullptr);
    ~JobRunner() override;

    void start(const QString& title, Work work) override;
    void cancel() override;
    [[nodiscard]] bool running() const override;
    [[nodiscard]] std::optional<double> fraction() const override;

signals:
    /// A job has started or the last one has ended (finished, failed or cancelled).
    void runningChanged();

private:
    struct Waiting {
        QString title;
        Work work;
    };
    void launch(Waiting next);
    void finish(const Completion& completion);

    QPointer<JobList> m_list;
    BackendSource m_backend;
    std::shared_ptr<JobRecord> m_job;
    std::optional<Waiting> m_waiting;
    std::thread m_thread;
};

} // namespace qscope
