// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/watchers.h"

#include <algorithm>
#include <utility>

namespace qscope::engine::nn {

ObserverChain::ObserverChain(std::vector<Observer*> observers)
    : m_observers(std::move(observers)) {
    std::erase(m_observers, nullptr);
}

bool ObserverChain::wants(const Graph& graph, ValueId edge) {
    return std::ranges::any_of(m_observers, [&](Observer* observer) { return observer->wants(graph, edge); });
}

Result<Value> ObserverChain::value(const Graph& graph, ValueId edge, Value value) {
    for (Observer* observer : m_observers) {
        if (!observer->wants(graph, edge)) continue;
        QSCOPE_TRY(value, observer->value(graph, edge, std::move(value)));
    }
    return value;
}

bool ObserverChain::wantsUse(const Graph& graph, const Node& node, std::size_t input) {
    return std::ranges::any_of(m_observers, [&](Observer* observer) { return observer->wantsUse(graph, node, input); });
}

Result<Value> ObserverChain::use(const Graph& graph, const Node& node, std::size_t input, Value value) {
    for (Observer* observer : m_observers) {
        if (!observer->wantsUse(graph, node, input)) continue;
        QSCOPE_TRY(value, observer->use(graph, node, input, std::move(value)));
    }
    return value;
}

EdgeCapture::EdgeCapture(const Graph& graph, std::vector<ValueId> edges)
    : m_graph(&graph) {
    for (const ValueId edge : edges) m_values.emplace(edge, std::nullopt);
}

bool EdgeCapture::wants(const Graph& graph, ValueId edge) { return &graph == m_graph && m_values.contains(edge); }

Result<Value> EdgeCapture::value(const Graph&, ValueId edge, Value value) {
    m_values[edge] = value;
    return value;
}

std::optional<Value> EdgeCapture::take(ValueId edge) {
    const auto found = m_values.find(edge);
    return found == m_values.end() ? std::nullopt : std::exchange(found->second, std::nullopt);
}

} // namespace qscope::engine::nn
