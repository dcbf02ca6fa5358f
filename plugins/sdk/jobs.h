// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <QString>

#include <functional>
#include <optional>
#include <utility>

namespace qscope {

/// Runs one job at a time off the window's thread; starting a job cancels the one before it, whose result is dropped.
/// Destroying it cancels and waits. One per view; all of them appear in the window's job list.
class Jobs {
public:
    virtual ~Jobs() = default;
    /// Called on the window's thread with the job's outcome, unless it was superseded or cancelled.
    using Completion = std::function<void()>;
    using Work = std::function<Completion(const RunContext&)>;
    /// `work` runs on a worker and must not touch widgets; the completion it returns runs on the window's thread.
    virtual void start(const QString& title, Work work) = 0;
    virtual void cancel() = 0;
    [[nodiscard]] virtual bool running() const = 0;
    /// How much of the running job is done, 0 to 1; nothing while its total is unknown or no job runs.
    [[nodiscard]] virtual std::optional<double> fraction() const = 0;
};

/// Typed form: `done` gets the result of `work` on the window's thread. `work` returns a `Result<T>`.
template<class Work, class Done>
void runJob(Jobs& jobs, const QString& title, Work work, Done done) {
    jobs.start(title, [work = std::move(work), done = std::move(done)](const RunContext& context) -> Jobs::Completion {
        auto result = work(context);
        return [result = std::move(result), done]() mutable { done(std::move(result)); };
    });
}

} // namespace qscope
