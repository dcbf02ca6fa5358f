// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/noisy_program.h"

#include <cstdint>
#include <vector>

namespace qscope::engine {

/// Shots that have taken the same branches so far: of channels, measurements, misread records and resets, in program order.
struct NoisyShots {
    std::vector<std::uint64_t> shots;
    std::vector<std::uint8_t> branches;
};

/// One noisy run of a pure state.
struct NoisyRun {
    StateSnapshot state; ///< before the terminal measurements
    std::vector<std::uint8_t> branches;
    std::int64_t passes = 0;
};

/// What every run of a program needs, made once.
class NoisyPlan {
public:
    explicit NoisyPlan(const NoisyProgram& program);

    /// Runs the program for the shots of `group`, first along its branches, then drawing each shot's own. Where they differ the most
    /// popular branch is followed; the others leave `group` for `others`. Shot s draws `uniform(seed, s, k)` for its k-th
    /// branching; unitary mixtures need no look at the state, other channels a few expectation values.
    [[nodiscard]] Result<NoisyRun> run(Precision precision, std::uint64_t seed, NoisyShots& group, std::vector<NoisyShots>& others,
                                       const RunContext& context) const;

private:
    friend class NoisyWalker;
    /// The probability of a branch of a channel: sum over strings of weight times Tr(string rho).
    struct Effect {
        PauliString string; ///< on the channel's own qubits
        std::vector<double> weights; ///< per branch
    };
    const NoisyProgram& m_program;
    std::map<const Channel*, std::vector<Effect>> m_effects; ///< of channels that are no mixtures of unitaries
};

} // namespace qscope::engine
