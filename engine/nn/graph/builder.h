// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/graph.h"

namespace qscope::engine::nn {

/// Writes a graph node by node; nodes run in the order in which they were added. Wrong use (an unknown operator, a name
/// used twice, an edge that does not exist) is remembered and comes out of `finish`, so that building code stays plain.
class GraphBuilder {
public:
    [[nodiscard]] ValueId input(std::string name);
    /// The edge of a weight; asked twice for the same name, the same edge.
    [[nodiscard]] ValueId weight(std::string name);
    [[nodiscard]] ValueId constant(std::string name, Value value);

    /// Blocks of later nodes, for people and for recomputation; nothing: outside the blocks.
    void setBlock(std::optional<int> block) { m_block = block; }

    /// Adds a node with one output, named "<name>.output"; `name` is the module's.
    [[nodiscard]] ValueId add(std::string_view op, std::string name, std::vector<ValueId> inputs,
                              std::map<std::string, Attribute, std::less<>> attributes = {});
    /// Adds a node as it is; its outputs are new edges with these names (an empty name: absent).
    std::vector<ValueId> addNode(std::string_view op, Node node, const std::vector<std::string>& outputNames);

    /// Gives an edge another name: the residual stream behind block 3 is "model.layers.3.output".
    void rename(ValueId value, std::string name);
    void output(ValueId value) { m_graph.outputs.push_back(value); }
    /// Of an inner graph: an edge that takes the value of the next of the node's `captures`.
    [[nodiscard]] ValueId captured(std::string name);

    [[nodiscard]] Result<std::shared_ptr<const Graph>> finish();

private:
    ValueId addValue(std::string name, ValueRole role, std::optional<Value> constant = std::nullopt);
    void complain(Error error);

    Graph m_graph;
    std::map<std::string, ValueId, std::less<>> m_byName;
    std::optional<int> m_block;
    std::optional<Error> m_error;
};

} // namespace qscope::engine::nn
