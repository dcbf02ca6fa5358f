// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_grid.h"
#include "engine/nn/gradients/straight_through.h"

#include <span>

namespace qscope::engine::nn {

/// Values [rows, columns] on the grid and back, in place. `range` (null: that of the values themselves) has one entry
/// per scale and is for scopes Tensor and Channel.
void roundActivations(std::span<float> values, std::int64_t columns, const ActivationGrid& grid,
                      const ActivationRange* range);

/// Lets linear layers and attention see what a quantized run would: the inputs of Linear nodes, and the keys and values
/// of Attention nodes, rounded to their grids. Per channel means over the tokens of the batch (cache: of a sequence and
/// head).
/// Gradients pass straight through.
class QuantizeActivations final : public DifferentiableObserver {
public:
    QuantizeActivations(const Graph& graph, ActivationQuantization what);

    [[nodiscard]] bool wants(const Graph& graph, ValueId edge) override;
    [[nodiscard]] Result<Value> value(const Graph& graph, ValueId edge, Value value) override;
    [[nodiscard]] bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override;
    /// OutOfRange when a static range does not have as many entries as there are channels.
    [[nodiscard]] Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override;

private:
    /// What is special about one linear node.
    struct Layer {
        bool rounds = true;
        const ActivationRange* range = nullptr;
        const std::vector<float>* factors = nullptr;
        const ActivationBypass* bypass = nullptr;
        std::vector<float> lost; ///< what rounding took off the inputs, on their way to the bypass
    };
    ActivationQuantization m_what;
    std::map<const Node*, Layer> m_layers;
    std::map<ValueId, const Node*> m_bypassed; ///< by the output
};

} // namespace qscope::engine::nn
