// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/execution.h"

#include <map>

namespace qscope::engine::nn {

/// Several observers of one run; each sees what the one before it made. Null ones are left out.
class ObserverChain final : public Observer {
public:
    explicit ObserverChain(std::vector<Observer*> observers);

    [[nodiscard]] bool wants(const Graph& graph, ValueId edge) override;
    [[nodiscard]] Result<Value> value(const Graph& graph, ValueId edge, Value value) override;
    [[nodiscard]] bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override;
    [[nodiscard]] Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override;

private:
    std::vector<Observer*> m_observers;
};

/// Holds on to the values of chosen edges of one graph until they are taken, and changes nothing.
class EdgeCapture final : public Observer {
public:
    EdgeCapture(const Graph& graph, std::vector<ValueId> edges);

    [[nodiscard]] bool wants(const Graph& graph, ValueId edge) override;
    [[nodiscard]] Result<Value> value(const Graph& graph, ValueId edge, Value value) override;
    /// The value that flowed, given away; nothing when none did.
    [[nodiscard]] std::optional<Value> take(ValueId edge);

private:
    const Graph* m_graph;
    std::map<ValueId, std::optional<Value>> m_values;
};

} // namespace qscope::engine::nn
