// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace qscope {

/// One job while it runs. Shared by its worker and the window; the worker writes progress and notes only.
struct JobRecord {
    QString title; ///< empty: housekeeping that the list does not show
    Progress progress;
    Diagnostics notes;
    std::stop_source stop;
    QElapsedTimer clock;
};

/// 0 to 1, or nothing while the total is unknown.
[[nodiscard]] std::optional<double> fractionDone(const JobRecord& job);
/// Seconds until the job ends at its present rate, or a negative number while that is unknown.
[[nodiscard]] double secondsLeft(const JobRecord& job);

/// All jobs that run now, of all runners. On the window's thread.
class JobList : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    [[nodiscard]] const std::vector<std::shared_ptr<JobRecord>>& jobs() const { return m_jobs; }
    void add(std::shared_ptr<JobRecord> job);
    void remove(const std::shared_ptr<JobRecord>& job);
    void cancelAll();

signals:
    void added(std::shared_ptr<qscope::JobRecord> job);
    /// The job's thread is done, whether it finished, failed or was cancelled.
    void removed(std::shared_ptr<qscope::JobRecord> job);

private:
    std::vector<std::shared_ptr<JobRecord>> m_jobs;
};

} // namespace qscope
