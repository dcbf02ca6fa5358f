// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace qscope {

/// Splits [0, count) into chunks of `grain` and runs `work(begin, end)` on all cores. Asks the context for a stop
/// before each chunk and adds the chunk's length to its progress. Chunk borders depend on `grain` alone, so a result
/// kept per chunk (index `begin / grain`) and combined in order is the same for any number of threads.
/// Returns Cancelled, or the first error in chunk order that `work` returned.
[[nodiscard]] Result<void> parallelChunks(std::int64_t count, std::int64_t grain, const RunContext& context,
                                          const std::function<Result<void>(std::int64_t begin, std::int64_t end)>& work);

/// Bounds the threads of the whole process for as long as it lives; 0: all cores. Made once, by the program's main.
class ThreadLimit {
public:
    explicit ThreadLimit(int threads);
    ~ThreadLimit();
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;

private:
    struct Control;
    std::unique_ptr<Control> m_control;
};

/// How many threads parallel work may use now.
[[nodiscard]] int availableThreads();

} // namespace qscope
