// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/trajectory.h"

#include <functional>
#include <span>

namespace qscope::engine {

/// A circuit's run with its state kept at evenly spaced operations, so that the state after any number of operations is
/// only a few gates away. Immutable; what a step gives is what a simulation of so many operations gives, up to
/// rounding.
class StepStates {
public:
    /// Runs the whole circuit once for `request` (its `steps` are ignored). Keeps copies of the state in at most
    /// `bytes`; none fitting, or a backend that copies none, leaves the start alone, from which every step is then run.
    [[nodiscard]] static Result<std::shared_ptr<const StepStates>>
    record(const Circuit& circuit, const SimulationRequest& request, std::uint64_t bytes, const RunContext& context);

    /// The result after `steps` operations as written, with the backend that recorded.
    [[nodiscard]] Result<SimulationResult> at(std::size_t steps, const RunContext& context) const;

    /// States kept besides the start.
    [[nodiscard]] std::size_t kept() const { return m_kept.size(); }
    /// Flat operations from one kept state to the next.
    [[nodiscard]] std::size_t stride() const { return m_stride; }

private:
    StepStates() = default;

    Program m_program;
    SimulationRequest m_request;
    std::size_t m_stride = 1;
    std::vector<Trajectory> m_kept; ///< ascending
};

/// Calls `visit(steps, state)` after each number of operations in `steps` (ascending), for one run of `request`: the
/// outcomes of shot 0 where it measures on the way. The state is only lent.
using StepVisit = std::function<Result<void>(std::size_t steps, const StateSnapshot& state)>;
[[nodiscard]] Result<void> visitSteps(const Circuit& circuit, const SimulationRequest& request,
                                      std::span<const std::size_t> steps, const StepVisit& visit,
                                      const RunContext& context);

} // namespace qscope::engine
