// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <functional>
#include <span>
#include <vector>

namespace qscope::engine::optimize {

/// Algorithms of NLopt (Steven G. Johnson). All are deterministic.
enum class Algorithm : std::uint8_t {
    Cobyla, ///< local, without gradients: linear models in a shrinking region (Powell, 1994)
    Lbfgs,  ///< local, with gradients: limited-memory BFGS
    Direct, ///< global, without gradients: dividing rectangles, locally biased (Gablonsky and Kelley, 2001); needs
            ///< bounds
};

/// A function of a few variables (up to some hundreds; without gradients, a few dozen).
struct Objective {
    /// Its value; and into `gradient`, unless that is empty, its gradient. NaN is an error; +infinity: forbidden here.
    std::function<Result<double>(std::span<const double> x, std::span<double> gradient)> value;
    std::vector<double> start;
    std::vector<double> lower = {}; ///< empty: no bounds
    std::vector<double> upper = {};
};

struct MinimizeOptions {
    Algorithm algorithm = Algorithm::Lbfgs;
    int evaluations = 1000;          ///< at most
    double relativeTolerance = 1e-8; ///< of each variable and of the value between two steps
    double initialStep = 0;          ///< of Cobyla; 0: chosen from start and bounds
};

struct Minimum {
    std::vector<double> at;
    double value = 0;
    int evaluations = 0;
    bool converged = false; ///< false: the evaluations were used up
};

/// The best point that was found. Errors of the objective end the search and come out as they are. OutOfRange for
/// bounds that do not fit; Cancelled before the next evaluation.
[[nodiscard]] Result<Minimum> minimize(const Objective& objective, const MinimizeOptions& options,
                                       const RunContext& context);

} // namespace qscope::engine::optimize
