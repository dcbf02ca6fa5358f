// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/network_parts.h"

#include <set>

namespace qscope::engine {

Result<NetworkParts> NetworkParts::of(const nn::Graph& graph) {
    NetworkParts parts;
    parts.m_nodes = graph.nodes.size();
    std::optional<std::size_t> last; // node of the last block
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
        const auto block = graph.nodes[n].block;
        if (!block) continue;
        last = n;
        const int known = static_cast<int>(parts.m_begin.size());
        if (*block == known) parts.m_begin.push_back(n);
        else if (*block != known - 1) return fail(ErrorCode::Unsupported, "the network's blocks do not follow one another");
    }
    if (!last) return fail(ErrorCode::Unsupported, "the network has no repeated blocks");
    parts.m_begin.push_back(*last + 1);

    std::vector<std::size_t> madeBy(graph.values.size(), 0); // node + 1; 0: by none
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
        for (const nn::ValueId edge : graph.nodes[n].outputs)
            if (edge != nn::kAbsent) madeBy[static_cast<std::size_t>(edge)] = n + 1;
    for (const std::size_t begin : parts.m_begin) {
        std::set<nn::ValueId> entering;
        for (std::size_t n = begin; n < graph.nodes.size(); ++n)
            for (const auto* list : {&graph.nodes[n].inputs, &graph.nodes[n].captures})
                for (const nn::ValueId edge : *list) {
                    if (edge == nn::kAbsent) continue;
                    const auto index = static_cast<std::size_t>(edge);
                    const bool given = graph.values[index].role == nn::ValueRole::Input;
                    if (given || (madeBy[index] > 0 && madeBy[index] <= begin)) entering.insert(edge);
                }
        parts.m_entering.emplace_back(entering.begin(), entering.end());
    }
    for (int block = 0; block < parts.blocks(); ++block) {
        const std::string end = fmt::format(".{}.output", block);
        nn::ValueId output = nn::kAbsent;
        for (std::size_t n = parts.begin(block); n < parts.end(block); ++n)
            for (const nn::ValueId edge : graph.nodes[n].outputs)
                if (edge != nn::kAbsent && graph.values[static_cast<std::size_t>(edge)].name.ends_with(end)) output = edge;
        if (output == nn::kAbsent) return fail(ErrorCode::Unsupported, "block {} of the network has no residual stream behind it", block);
        parts.m_outputs.push_back(output);
    }
    const auto logits = graph.find("logits");
    if (!logits) return fail(ErrorCode::Unsupported, "the network has no logits");
    parts.m_logits = *logits;
    return parts;
}

} // namespace qscope::engine
