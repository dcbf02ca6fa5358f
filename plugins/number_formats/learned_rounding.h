// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/level_fit.h"

namespace qscope::engine {

/// How the choice between the two neighbours of every weight is learned (AdaRound: Nagel et al., Up or down?, 2020, on
/// floats).
struct LearnedRounding {
    int iterations = 600;
    double rate = 1e-2;      ///< of Adam
    double regularizer = 30; ///< in units of nearest rounding's error per weight
    bool scaleAware = false; ///< the variable is in units of the weights, so that small steps move faster (FP4DiT)
};

/// What is learned, before it is hardened: ŵ = clip(step (down + h)), h = clip(1.2 sigmoid(variable / unit) - 0.1).
struct SoftRounding {
    std::vector<float> steps;                       ///< of each weight's float
    std::vector<float> down;                        ///< whole: floor(w / step)
    std::vector<float> variable;                    ///< h is w / step - down at first
    std::vector<float> unit;                        ///< 1, or the step when aware of it
    [[nodiscard]] float share(std::size_t i) const; ///< h
};

/// The start for weights on a float whose scales are those of `codes`.
[[nodiscard]] SoftRounding softRounding(const Minifloat& format, std::span<const float> matrix, const LevelCodes& codes,
                                        bool scaleAware);

/// Learns for every weight whether it goes up or down, so that tr (Ŵ - W) M (Ŵ - W)ᵀ falls, where M is the second
/// moments of the inputs; codes take the place of those of nearest rounding. `grid` is the format's. `traces` (may be
/// null) gets the course of the error and the decisions.
[[nodiscard]] Result<void> learnRounding(const Grid& grid, std::span<const float> matrix, const InputStatistics& inputs,
                                         const LearnedRounding& how, LevelCodes& codes, std::vector<Trace>* traces,
                                         const RunContext& context);

} // namespace qscope::engine
