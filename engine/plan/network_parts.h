// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/graph.h"

namespace qscope::engine {

/// A network cut at the borders of its blocks: nodes before the first block, the blocks one after another, nodes behind the
/// last.
class NetworkParts {
public:
    /// Unsupported when blocks do not follow one another, or there is none, or no "logits" behind them.
    [[nodiscard]] static Result<NetworkParts> of(const nn::Graph& graph);

    [[nodiscard]] int blocks() const { return static_cast<int>(m_begin.size()) - 1; }
    /// Nodes of a block are [begin, end); of block `blocks()`, those behind the last.
    [[nodiscard]] std::size_t begin(int block) const { return m_begin[static_cast<std::size_t>(block)]; }
    [[nodiscard]] std::size_t end(int block) const { return block == blocks() ? m_nodes : m_begin[static_cast<std::size_t>(block) + 1]; }
    /// Edges that nodes from the block's first on take from before it: the residual stream, positions, masks.
    [[nodiscard]] const std::vector<nn::ValueId>& entering(int block) const { return m_entering[static_cast<std::size_t>(block)]; }
    /// The residual stream behind a block.
    [[nodiscard]] nn::ValueId output(int block) const { return m_outputs[static_cast<std::size_t>(block)]; }
    [[nodiscard]] nn::ValueId logits() const { return m_logits; }

private:
    std::vector<std::size_t> m_begin; ///< of each block, and of what follows
    std::size_t m_nodes = 0;
    std::vector<std::vector<nn::ValueId>> m_entering;
    std::vector<nn::ValueId> m_outputs;
    nn::ValueId m_logits = nn::kAbsent;
};

} // namespace qscope::engine
