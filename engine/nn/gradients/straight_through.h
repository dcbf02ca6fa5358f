// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/execution.h"

#include <unordered_map>

namespace qscope::engine::nn {

/// An observer that gradients pass through: what it replaces on the way forward, it answers for on the way back. By
/// default straight through (Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013): as
/// if nothing had been replaced. The same object serves plain runs, which evaluate what was learned.
/// What it makes of a value must be the same each time within one call of `gradients`, which asks anew for what it did
/// not keep.
class DifferentiableObserver : public Observer {
public:
    /// Whether gradients are to come to this edge, which it `wants`, even when nothing before it is asked for: the
    /// observer has parameters there (scales, zero points, rounding).
    [[nodiscard]] virtual bool learns(const Graph&, ValueId) { return false; }
    /// `gradient` is with respect to what `value` made of `original`, over all its users, and arrives once; comes back:
    /// the gradient with respect to `original`, of the same shape and type. Here an observer adds to the gradients of
    /// its own parameters.
    [[nodiscard]] virtual Result<Value> valueGradient(const Graph&, ValueId, const Value& original, Value gradient);

    /// The same for one input of one node.
    [[nodiscard]] virtual bool learnsUse(const Graph&, const Node&, std::size_t) { return false; }
    [[nodiscard]] virtual Result<Value> useGradient(const Graph&, const Node&, std::size_t input, const Value& original,
                                                    Value gradient);
};

/// What stands on one edge.
struct EdgeFunction {
    std::function<Result<Value>(Value)> forward;
    /// As `valueGradient`; empty: straight through.
    std::function<Result<Value>(const Value& original, Value gradient)> backward = {};
    bool learns = false;
};

/// Functions on single edges: quantizers of weights and activations, transforms.
class EdgeFunctions final : public DifferentiableObserver {
public:
    void put(ValueId edge, EdgeFunction function) { m_functions[edge] = std::move(function); }

    bool wants(const Graph&, ValueId edge) override { return m_functions.contains(edge); }
    Result<Value> value(const Graph&, ValueId edge, Value value) override;
    bool learns(const Graph&, ValueId edge) override;
    Result<Value> valueGradient(const Graph&, ValueId edge, const Value& original, Value gradient) override;

private:
    std::unordered_map<ValueId, EdgeFunction> m_functions;
};

/// The gradient where low <= original <= high, 0 elsewhere: the clipped identity of a quantizer's range. F32 or F64.
[[nodiscard]] Result<Value> clippedIdentity(const Value& original, const Value& gradient, double low, double high);

} // namespace qscope::engine::nn
