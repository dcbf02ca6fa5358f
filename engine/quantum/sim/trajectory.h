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
/// How many flat operations the first `steps` operations as written are.
[[nodiscard]] std::size_t lengthOf(const FlatCircuit& flat, std::size_t steps);

/// Shots that have had the same outcomes so far.
struct ShotGroup {
    std::vector<std::uint64_t> shots;
    std::vector<bool> outcomes;
};

/// One run of a program from |0...0>, between two operations. Terminal measurements leave the state as it is.
struct Trajectory {
    std::unique_ptr<StateBuffer> buffer;
    std::size_t next = 0;       ///< the flat operation that comes next
    bool ended = false;         ///< the program has ended the run; nothing comes next
    ClassicalMemory memory;     ///< bits and variables as they stand
    std::vector<bool> touched;  ///< qubits that may have left |0>
    std::int64_t turns = 0;     ///< of all loops so far
    std::vector<bool> outcomes; ///< of measurements and resets on the way, in order
    std::int64_t gates = 0;
    std::int64_t fusedGates = 0;
    ShotGroup group;               ///< the shots that this run stands for; it follows the first one
    std::vector<ShotGroup> others; ///< shots that have left it
};

/// The shots of `group` at the start. Its outcomes will be followed, then each shot's own are drawn.
[[nodiscard]] Result<Trajectory> startTrajectory(const Program& program, Precision precision, ShotGroup group,
                                                 const RunContext& context);
/// Goes on to flat operation `end`. Where the shots of the group disagree the first shot's outcome is followed; the others
/// leave for `others`. Shot s draws `uniform(seed, s, k)` for its k-th measurement or reset, so results depend on nothing else.
/// After an error the run is worth nothing.
[[nodiscard]] Result<void> advance(const Program& program, std::uint64_t seed, std::size_t end, bool showProgress,
                                   Trajectory& run, const RunContext& context);
/// A second run at the same place. Unsupported by a backend that copies no states.
[[nodiscard]] Result<Trajectory> copied(const Trajectory& run, const RunContext& context);

} // namespace qscope::engine
