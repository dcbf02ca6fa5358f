// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_grid.h"
#include "engine/nn/graph/execution.h"

#include <span>

namespace qscope::engine::nn {

/// Values [rows, columns] on the grid and back, in place. `range` (null: that of the values themselves) has one entry
/// per scale and is for scopes Tensor and Channel.
void roundActivations(std::span<float> values, std::int64_t columns, const ActivationGrid& grid,
                      const ActivationRange* range);

/// Lets linear layers and attention see what a quantized run would: the inputs of Linear nodes, and the keys and values
/// of Attention nodes, rounded to their grids. Per channel means over the tokens of the batch (cache: of a sequence and
/// head).
class QuantizeActivations final : public Observer {
public:
    QuantizeActivations(const Graph& graph, ActivationQuantization what);

    [[nodiscard]] bool wants(const Graph&, ValueId) override { return false; }
    [[nodiscard]] Result<Value> value(const Graph&, ValueId, Value value) override { return value; }
    [[nodiscard]] bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override;
    /// OutOfRange when a static range does not have as many entries as there are channels.
    [[nodiscard]] Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override;

private:
    ActivationQuantization m_what;
    std::map<const Node*, const ActivationRange*> m_ranges; ///< of linear nodes
};

} // namespace qscope::engine::nn
