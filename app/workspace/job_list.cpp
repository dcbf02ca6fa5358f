// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/job_list.h"

#include <algorithm>

namespace qscope {

std::optional<double> fractionDone(const JobRecord& job) {
    const auto total = static_cast<double>(job.progress.total.load());
    if (total <= 0) return std::nullopt;
    return std::clamp(static_cast<double>(job.progress.done.load()) / total, 0.0, 1.0);
}

double secondsLeft(const JobRecord& job) {
    const auto done = fractionDone(job);
    if (!done || *done <= 0) return -1;
    return static_cast<double>(job.clock.elapsed()) / 1000.0 * (1 - *done) / *done;
}

void JobList::add(std::shared_ptr<JobRecord> job) {
    m_jobs.push_back(job);
    emit added(std::move(job));
}

void JobList::remove(const std::shared_ptr<JobRecord>& job) {
    const auto kept = job;
    if (std::erase(m_jobs, kept) > 0) emit removed(kept);
}

void JobList::cancelAll() {
    for (const auto& job : m_jobs) job->stop.request_stop();
}

} // namespace qscope
