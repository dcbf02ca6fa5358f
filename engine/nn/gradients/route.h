// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/gradients/reverse.h"

namespace qscope::engine::nn {

/// What of a graph has to run for a loss, and where gradients have to flow.
struct Route {
    std::vector<std::size_t> nodes;                            ///< that lead to the loss, in order
    std::vector<std::pair<std::size_t, std::size_t>> segments; ///< of `nodes`, as [first, end)
    std::vector<bool> active;                                  ///< edges on the way from what is wanted
    std::vector<std::size_t> firstUse;                         ///< of each edge, a node
    std::vector<std::size_t> lastSegment;                      ///< of each edge's uses, plus one
};

/// One segment, or with recomputation one per block. Errors as of `gradients`.
[[nodiscard]] Result<Route> routeOf(const Graph& graph, const GradientProblem& problem, const GradientOptions& options);

/// Whether the observer, if there is one, has parameters at one input of one node.
[[nodiscard]] bool learnsAtUse(DifferentiableObserver* observer, const Graph& graph, const Node& node,
                               std::size_t input);

} // namespace qscope::engine::nn
