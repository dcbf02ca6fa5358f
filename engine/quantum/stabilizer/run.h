// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/stabilizer/program.h"
#include "engine/quantum/stabilizer/tableau.h"

namespace qscope::engine {

/// One run of a Clifford program.
struct CliffordRun {
    Tableau state;            ///< before the terminal measurements
    std::vector<bool> clbits; ///< measured on the way
    std::uint64_t draws = 0;  ///< measurements and resets so far
    std::int64_t gates = 0;   ///< applied
};

/// Draws `uniform(seed, shot, k)` for its k-th measurement or reset.
[[nodiscard]] Result<CliffordRun> runClifford(const CliffordProgram& program, std::uint64_t seed, std::uint64_t shot,
                                              const RunContext& context);
/// Adds the terminal measurements to a run; without any measurement at all, reads every qubit instead.
/// Returns classical bits, or qubits.
[[nodiscard]] Result<std::vector<bool>> finishClifford(const CliffordProgram& program, CliffordRun& run,
                                                       std::uint64_t seed, std::uint64_t shot,
                                                       const RunContext& context);

using Counts = std::map<std::string, std::int64_t>;

/// Counts of all shots by Pauli frames: what differs from one reference run is a Pauli string per shot, and gates carry
/// these along 64 shots at a time. Source: Gidney, "Stim: a fast stabilizer circuit simulator", Quantum 5, 497 (2021),
/// section 2.3. The same counts for any number of threads. `program.framed` holds.
[[nodiscard]] Result<Counts> sampleFrames(const CliffordProgram& program, std::int64_t shots, std::uint64_t seed,
                                          const RunContext& context);
/// The same one shot at a time, for any conditions.
[[nodiscard]] Result<Counts> sampleRuns(const CliffordProgram& program, std::int64_t shots, std::uint64_t seed,
                                        const RunContext& context);

/// What is counted, as printed.
[[nodiscard]] std::string printedOutcome(const CliffordProgram& program, const std::vector<bool>& bits);

} // namespace qscope::engine
