// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/trajectory.h"

namespace qscope::engine {

/// Shots 0, 1, ... before anything happened; at least shot 0, which is the run that is shown.
[[nodiscard]] ShotGroup allShots(std::int64_t shots);

/// What a request gets from a run that has come to the end of `program`: counts (for which shots that left the run are
/// run on their own), probabilities, expectation values and the state. All but the time.
[[nodiscard]] Result<SimulationResult> statevectorResult(const Program& program, const SimulationRequest& request,
                                                         Trajectory run, const RunContext& context);

} // namespace qscope::engine
