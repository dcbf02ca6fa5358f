// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_maps.h"
#include "engine/nn/graph/execution.h"

#include <functional>
#include <map>

namespace qscope::engine::nn {

/// Which blocks, and which edges of any block, are recorded.
struct MapSettings {
    std::function<bool(int)> layers = [](int) { return true; };
    std::function<bool(std::string_view)> edges = [](std::string_view) { return false; }; ///< by name
};

/// The same graph, in which the attention of the chosen blocks also gives its probabilities.
[[nodiscard]] Graph withAttentionMaps(const Graph& graph, const MapSettings& settings);

/// Records attention, norms and edges of one run on one text ([1, time]) of a graph made by `withAttentionMaps`;
/// changes nothing. The graph must outlive it.
class MapRecorder final : public Observer {
public:
    MapRecorder(const Graph& graph, MapSettings settings);

    [[nodiscard]] bool wants(const Graph& graph, ValueId edge) override;
    [[nodiscard]] Result<Value> value(const Graph& graph, ValueId edge, Value value) override;
    [[nodiscard]] bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override;
    [[nodiscard]] Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override;

    /// In execution order; tokens and pieces are the caller's.
    [[nodiscard]] ActivationMaps take() { return std::move(m_maps); }

private:
    [[nodiscard]] bool isNorm(const Node& node) const;

    const Graph& m_graph;
    MapSettings m_settings;
    std::map<ValueId, const Node*> m_attention; ///< by the edge of the probabilities
    ActivationMaps m_maps;
};

} // namespace qscope::engine::nn
