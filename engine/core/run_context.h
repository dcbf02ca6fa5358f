// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"
#include "engine/core/result.h"

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace qscope::engine {
class ComputeBackend;
}

namespace qscope {

/// How far a job is. Written by the worker, polled by whoever shows it; `total == 0` means unknown.
struct Progress {
    std::atomic<std::int64_t> done{0};
    std::atomic<std::int64_t> total{0};
};

/// Last argument of every operation that may take over about 50 ms. On a stop request an operation returns
/// `ErrorCode::Cancelled` at its next chunk (chunks last 10-50 ms) and publishes nothing.
struct RunContext {
    std::stop_token stop;
    Progress& progress;
    Diagnostics& notes;
    engine::ComputeBackend& backend;

    [[nodiscard]] bool cancelled() const { return stop.stop_requested(); }
};

[[nodiscard]] inline tl::unexpected<Error> cancelled() { return fail(ErrorCode::Cancelled, "cancelled"); }

} // namespace qscope
