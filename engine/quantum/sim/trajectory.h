// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

#include <vector>

namespace qscope::engine {

/// Turns that the loops of one run may take together: no circuit runs for ever.
constexpr std::int64_t kMostLoopTurns = 100'000;

/// What is known about a circuit before it runs.
struct Program {
    FlatCircuit flat;
    int qubits = 0;
    std::vector<Register> cregs;
    std::vector<ClassicalVariable> variables;
    /// Measurements that nothing later depends on: they do not disturb the state, counts are drawn from it.
    std::vector<bool> terminal;
    std::size_t length = 0; ///< operations to run; less than all of them when only the first steps are wanted
};
[[nodiscard]] Program makeProgram(const Circuit& circuit, std::size_t steps);

/// One run of a program from |0...0> with given or drawn outcomes.
struct Trajectory {
    StateSnapshot state;              ///< before the terminal measurements
    std::vector<bool> outcomes;       ///< of measurements and resets on the way, in order
    std::int64_t gates = 0;
    std::int64_t fusedGates = 0;
};

/// Shots that have had the same outcomes so far.
struct ShotGroup {
    std::vector<std::uint64_t> shots;
    std::vector<bool> outcomes;
};

/// Runs the program for the shots of `group`, following its outcomes, then drawing each shot's own. Where they disagree the
/// first shot's outcome is followed; the others leave `group` and are added to `others`.
/// Shot s draws `uniform(seed, s, k)` for its k-th measurement or reset, so results depend on nothing else.
[[nodiscard]] Result<Trajectory> runTrajectory(const Program& program, Precision precision, std::uint64_t seed,
                                               ShotGroup& group, std::vector<ShotGroup>& others, bool showProgress,
                                               const RunContext& context);

} // namespace qscope::engine
