// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/mps/matrix_product.h"
#include "engine/quantum/sim/trajectory.h"

#include <functional>

namespace qscope::engine {

/// One run of a program with given or drawn outcomes.
struct ChainRun {
    MatrixProduct state; ///< before the terminal measurements
    std::vector<bool> clbits;
    std::vector<bool> outcomes; ///< of measurements and resets on the way, in order
    std::int64_t gates = 0;
};

/// As `runTrajectory` does it: follows the outcomes of `group`, then draws `uniform(seed, shot, k)` for the k-th
/// measurement or reset; shots that disagree with the first one leave for `others`. Unsupported for an operation it
/// does not know.
/// `before(i, state)` is called before each flat operation i.
using ChainVisit = std::function<void(std::size_t operation, const MatrixProduct& state)>;
[[nodiscard]] Result<ChainRun> runChain(const Program& program, const SimulationRequest& request, ShotGroup& group,
                                        std::vector<ShotGroup>& others, bool showProgress, const RunContext& context,
                                        const ChainVisit& before = {});

/// Adds what the shots of one run print.
[[nodiscard]] Result<void> countChain(const Program& program, ChainRun& run, const std::vector<std::uint64_t>& shots,
                                      std::uint64_t seed, std::map<std::string, std::int64_t>& counts,
                                      const RunContext& context);

} // namespace qscope::engine
