// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/map_recorder.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine::nn {

namespace {

constexpr std::size_t kProbabilities = 3;    // output of Attention
constexpr std::int64_t kProbabilityMode = 3; // of qk_matmul_output_mode: after the softmax

bool isChosen(const Node& node, const MapSettings& settings) { return node.block && settings.layers(*node.block); }

/// One over the root mean square of each row, around its mean where the norm subtracts it.
std::vector<float> rowFactors(std::span<const float> values, std::size_t channels, double epsilon, bool centred) {
    std::vector<float> factors;
    for (std::size_t first = 0; first + channels <= values.size(); first += channels) {
        const auto row = values.subspan(first, channels);
        double sum = 0, squares = 0;
        for (const float x : row) sum += static_cast<double>(x);
        const double mean = centred ? sum / static_cast<double>(channels) : 0;
        for (const float x : row) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
        factors.push_back(static_cast<float>(1 / std::sqrt(squares / static_cast<double>(channels) + epsilon)));
    }
    return factors;
}

} // namespace

Graph withAttentionMaps(const Graph& graph, const MapSettings& settings) {
    Graph made = graph;
    for (Node& node : made.nodes) {
        if (node.op->name != "Attention" || !isChosen(node, settings)) continue;
        node.attributes["qk_matmul_output_mode"] = kProbabilityMode;
        node.outputs.resize(kProbabilities + 1, kAbsent);
        node.outputs[kProbabilities] = static_cast<ValueId>(made.values.size());
        made.values.push_back({node.name + ".probabilities", ValueRole::Inner});
    }
    return made;
}

MapRecorder::MapRecorder(const Graph& graph, MapSettings settings)
    : m_graph(graph)
    , m_settings(std::move(settings)) {
    for (const Node& node : graph.nodes)
        if (node.op->name == "Attention" && isChosen(node, m_settings) && node.outputs.size() > kProbabilities &&
            node.outputs[kProbabilities] != kAbsent)
            m_attention.emplace(node.outputs[kProbabilities], &node);
}

bool MapRecorder::wants(const Graph& graph, ValueId edge) {
    if (&graph != &m_graph) return false;
    const ValueInfo& info = graph.values[static_cast<std::size_t>(edge)];
    return m_attention.contains(edge) || (info.role == ValueRole::Inner && m_settings.edges(info.name));
}

Result<Value> MapRecorder::value(const Graph& graph, ValueId edge, Value value) {
    const std::string& name = graph.values[static_cast<std::size_t>(edge)].name;
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    const auto values = elements<float>(single);
    const Shape& shape = single.shape();
    if (const auto found = m_attention.find(edge); found != m_attention.end()) {
        if (shape.size() != 4 || shape[0] != 1)
            return fail(ErrorCode::OutOfRange, "attention maps are recorded of one text at a time");
        m_maps.attention.push_back({found->second->name,
                                    found->second->block.value_or(0),
                                    shape[1],
                                    shape[2],
                                    shape[3],
                                    {values.begin(), values.end()}});
        return value;
    }
    const std::int64_t channels = shape.empty() ? 1 : std::max<std::int64_t>(1, shape.back());
    m_maps.edges.push_back(
        {name, static_cast<std::int64_t>(values.size()) / channels, channels, {values.begin(), values.end()}});
    return value;
}

bool MapRecorder::isNorm(const Node& node) const {
    return (node.op->name == "RMSNormalization" || node.op->name == "LayerNormalization") && isChosen(node, m_settings);
}

bool MapRecorder::wantsUse(const Graph& graph, const Node& node, std::size_t input) {
    return &graph == &m_graph && input < 2 && isNorm(node);
}

Result<Value> MapRecorder::use(const Graph&, const Node& node, std::size_t input, Value value) {
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    const auto values = elements<float>(single);
    if (input == 0) {
        const auto channels = static_cast<std::size_t>(single.shape().empty() ? 1 : single.shape().back());
        m_maps.norms.push_back(
            {node.name,
             node.block.value_or(0),
             {},
             rowFactors(values, channels, attributeOr(node, "epsilon", 1e-5), node.op->name == "LayerNormalization")});
    } else if (!m_maps.norms.empty()) { // the inputs of a node come one after another
        m_maps.norms.back().channels.assign(values.begin(), values.end());
    }
    return value;
}

} // namespace qscope::engine::nn
