// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"

#include "engine/core/checked_math.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <mutex>

namespace qscope {

Result<void> parallelChunks(std::int64_t count, std::int64_t grain, const RunContext& context,
                            const std::function<Result<void>(std::int64_t, std::int64_t)>& work) {
    std::mutex mutex;
    std::int64_t failedChunk = -1;
    Result<void> outcome;
    tbb::parallel_for(std::int64_t{0}, ceilDiv(count, grain), [&](std::int64_t chunk) {
        if (context.cancelled()) return;
        const std::int64_t begin = chunk * grain;
        const std::int64_t end = std::min(count, begin + grain);
        if (auto result = work(begin, end); !result) {
            const std::lock_guard lock(mutex);
            if (failedChunk < 0 || chunk < failedChunk) {
                failedChunk = chunk;
                outcome = std::move(result);
            }
        }
        context.progress.done.fetch_add(end - begin, std::memory_order_relaxed);
    });
    if (context.cancelled()) return cancelled();
    return outcome;
}

struct ThreadLimit::Control {
    // Made in place: a copy of a global_control limits nothing.
    explicit Control(int threads)
        : control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)) {}
    tbb::global_control control;
};

ThreadLimit::ThreadLimit(int threads) {
    if (threads > 0) m_control = std::make_unique<Control>(threads);
}

ThreadLimit::~ThreadLimit() = default;

int availableThreads() {
    return static_cast<int>(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism));
}

} // namespace qscope
