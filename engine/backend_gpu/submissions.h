// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "gpu/runtime/recorder.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace qscope::engine::vulkan {

/// How much work to submit at once, learned from how long earlier work took: about 20 ms of it, so that a stop is
/// noticed in time and the cost of a submission does not show. Work is counted in units of the caller's.
class Pacer {
public:
    [[nodiscard]] std::uint64_t budget() const { return m_budget; }
    void took(std::uint64_t units, double seconds) {
        constexpr double kSeconds = 0.02;
        const double fitting = static_cast<double>(units) * kSeconds / std::max(seconds, 1e-6);
        // One odd measurement does not change much; short work, mostly overhead, only lets the budget grow.
        const double now = static_cast<double>(m_budget);
        if (units * 2 < m_budget && fitting < now) return;
        m_budget = static_cast<std::uint64_t>(std::clamp(fitting, now / 4, now * 4));
        m_budget = std::clamp<std::uint64_t>(m_budget, 1u << 16, std::uint64_t{1} << 40);
    }

private:
    std::uint64_t m_budget = 1u << 22;
};

/// A recorder that submits on its own whenever enough work is recorded, and asks for a stop each time.
class Submissions {
public:
    [[nodiscard]] static Result<Submissions> create(const gpu::Device& device, const std::stop_token& stop) {
        QSCOPE_TRY(auto recorder, gpu::Recorder::create(device));
        return Submissions(std::move(recorder), stop);
    }

    /// For commands without much work; kernels go through `add`.
    [[nodiscard]] gpu::Recorder& recorder() { return m_recorder; }

    /// Records `total` (above 0) invocations of `cost` units each: calls record(first, count) for each part of them.
    template<class Record>
    [[nodiscard]] Result<void> add(std::uint64_t total, std::uint64_t cost, Record&& record) {
        for (std::uint64_t first = 0; first < total;) {
            if (m_used >= m_pacer.budget()) QSCOPE_CHECK(flush());
            const std::uint64_t room = (m_pacer.budget() - m_used) / cost + 1;
            const std::uint64_t count = std::min(room, total - first);
            record(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count));
            first += count;
            m_used += count * cost + kDispatchCost;
        }
        return {};
    }

    /// Submits what is recorded and waits for it. Cancelled when asked to stop.
    [[nodiscard]] Result<void> flush() {
        if (m_stop.stop_requested()) return cancelled();
        const auto begin = std::chrono::steady_clock::now();
        QSCOPE_CHECK(m_recorder.submitAndWait());
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        if (m_used > 0) m_pacer.took(m_used, seconds.count());
        m_used = 0;
        return {};
    }

private:
    static constexpr std::uint64_t kDispatchCost = 4096;

    Submissions(gpu::Recorder recorder, std::stop_token stop)
        : m_recorder(std::move(recorder))
        , m_stop(std::move(stop)) {}

    gpu::Recorder m_recorder;
    std::stop_token m_stop;
    Pacer m_pacer;
    std::uint64_t m_used = 0;
};

} // namespace qscope::engine::vulkan
