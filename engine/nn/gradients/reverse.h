// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/gradients/losses.h"
#include "engine/nn/gradients/straight_through.h"

namespace qscope::engine::nn {

/// What to differentiate with respect to what.
struct GradientProblem {
    /// Values to start from: inputs of the graph, or inner edges, in front of which nothing runs then. So a block alone
    /// is rebuilt: given its border (and what else leads into it), a `loss` edge at its end and a target.
    std::vector<std::pair<ValueId, Value>> given;
    ValueId loss = kAbsent;           ///< an edge made by a node
    LossFunction lossOf = {};         ///< of that edge; empty: the edge holds one number, which is the loss
    std::vector<ValueId> wanted = {}; ///< any edges that the loss depends on: weights, inputs, constants, inner ones
};

struct GradientOptions {
    Precision precision = Precision::Single; ///< of weights and floating-point constants
    DifferentiableObserver* observer = nullptr;
    /// Keeps only what flows from one block of the network to another (`Node::block`), and makes the inside of each
    /// block again on the way back: the memory of one block and the borders, for about a third more work. Same result,
    /// bit for bit.
    bool recompute = false;
};

struct Gradients {
    double loss = 0;
    /// For each wanted edge, of its shape and type. Where an observer replaces the edge, with respect to what it was
    /// before.
    std::map<ValueId, Value> of;
    std::int64_t heldBytes = 0; ///< most bytes of values (not gradients, not weights) that were held at once
};

/// Runs the part of the graph that leads to the loss, and goes back through it. OutOfRange for a wanted edge that the
/// loss does not depend on; Unsupported, naming it, where the way back meets an operator without gradient, or half
/// precision. Cancelled within nodes, both ways.
[[nodiscard]] Result<Gradients> gradients(const Graph& graph, const GradientProblem& problem,
                                          const WeightSource& weights, const RunContext& context,
                                          const GradientOptions& options = {});

} // namespace qscope::engine::nn
