// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/job_runner.h"

#include <exception>

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace qscope {

namespace {

/// Lets the window's thread win when all cores are busy; threads that the work starts inherit it.
void yieldToWindow() {
#ifdef __linux__
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 5);
#endif
}

Jobs::Completion runGuarded(const Jobs::Work& work, JobRecord& job, engine::ComputeBackend& backend) {
    const RunContext context{job.stop.get_token(), job.progress, job.notes, backend};
    try {
        return work(context);
    } catch (const std::bad_alloc&) {
        job.notes.add({Severity::Error, "not enough memory", job.title.toStdString(), {}, {}});
    } catch (const std::exception& error) {
        job.notes.add({Severity::Error, error.what(), job.title.toStdString(), {}, {}});
    }
    return {};
}

} // namespace

JobRunner::JobRunner(JobList& list, BackendSource backend, QObject* parent)
    : QObject(parent), m_list(&list), m_backend(std::move(backend)) {}

JobRunner::~JobRunner() {
    m_waiting.reset();
    if (m_job) m_job->stop.request_stop();
    if (m_thread.joinable()) m_thread.join();
    if (m_job && m_list) m_list->remove(m_job);
}

void JobRunner::start(const QString& title, Work work) {
    Waiting next{title, std::move(work)};
    if (m_job) {
        m_job->stop.request_stop();
        m_waiting = std::move(next);
    } else {
        launch(std::move(next));
    }
}

void JobRunner::cancel() {
    m_waiting.reset();
    if (m_job) m_job->stop.request_stop();
}

bool JobRunner::running() const { return m_waiting.has_value() || (m_job && !m_job->stop.stop_requested()); }

std::optional<double> JobRunner::fraction() const {
    return m_job ? fractionDone(*m_job) : std::nullopt;
}

void JobRunner::launch(Waiting next) {
    if (m_thread.joinable()) m_thread.join(); // it has posted its outcome: nothing is left to wait for
    m_job = std::make_shared<JobRecord>();
    m_job->title = next.title;
    m_job->clock.start();
    if (m_list) m_list->add(m_job);
    m_thread = std::thread([this, job = m_job, backend = m_backend(), work = std::move(next.work)] {
        yieldToWindow();
        auto completion = runGuarded(work, *job, *backend);
        // `this` is alive: the destructor joins. Events left over are dropped with the object.
        QMetaObject::invokeMethod(
            this, [this, completion = std::move(completion)] { finish(completion); }, Qt::QueuedConnection);
    });
    emit runningChanged();
}

void JobRunner::finish(const Completion& completion) {
    const auto job = std::exchange(m_job, nullptr);
    const bool stale = job->stop.stop_requested();
    if (m_list) m_list->remove(job);
    if (m_waiting) launch(*std::exchange(m_waiting, std::nullopt));
    const QPointer<JobRunner> alive(this); // a completion may close the view that owns this runner
    if (completion && !stale) completion();
    if (alive && !m_job) emit runningChanged();
}

} // namespace qscope
