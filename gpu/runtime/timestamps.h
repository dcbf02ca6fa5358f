// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device.h"

#include <memory>

namespace qscope::gpu {

/// Moments on the device's own clock, for benchmarks. Filled by `Recorder::mark`.
class Timestamps {
public:
    /// Unsupported when the device keeps no time.
    [[nodiscard]] static Result<Timestamps> create(const Device& device, std::uint32_t count);
    Timestamps(Timestamps&& other) noexcept;
    ~Timestamps();

    /// Between two moments marked by work that is done.
    [[nodiscard]] Result<double> seconds(std::uint32_t from, std::uint32_t to) const;

    struct State;
    [[nodiscard]] State& state() const { return *m_state; }

private:
    explicit Timestamps(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace qscope::gpu
