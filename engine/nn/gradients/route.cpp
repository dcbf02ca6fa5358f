// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/route.h"

#include <algorithm>

namespace qscope::engine::nn {

namespace {

std::size_t indexOf(ValueId edge) { return static_cast<std::size_t>(edge); }

template<class Use>
void eachInput(const Node& node, Use use) {
    for (const auto* list : {&node.inputs, &node.captures})
        for (const ValueId edge : *list)
            if (edge != kAbsent) use(indexOf(edge));
}

/// Finds the nodes from the loss backwards; returns which edges lead to it.
Result<std::vector<bool>> leadingEdges(const Graph& graph, const GradientProblem& problem, Route& route) {
    std::vector<bool> given(graph.values.size(), false);
    for (const auto& [edge, value] : problem.given) given[indexOf(edge)] = true;
    std::vector<bool> leads(graph.values.size(), false);
    leads[indexOf(problem.loss)] = true;
    for (std::size_t n = graph.nodes.size(); n-- > 0;) {
        const Node& node = graph.nodes[n];
        const bool needed = std::ranges::any_of(node.outputs, [&](ValueId edge) {
            return edge != kAbsent && leads[indexOf(edge)] && !given[indexOf(edge)];
        });
        if (!needed) continue;
        for (const ValueId edge : node.outputs)
            if (edge != kAbsent && given[indexOf(edge)])
                return fail(ErrorCode::OutOfRange, "'{}' is given, but its node has to run",
                            graph.values[indexOf(edge)].name);
        route.nodes.push_back(n);
        eachInput(node, [&](std::size_t edge) { leads[edge] = true; });
    }
    std::ranges::reverse(route.nodes);
    return leads;
}

} // namespace

bool learnsAtUse(DifferentiableObserver* observer, const Graph& graph, const Node& node, std::size_t input) {
    return observer && observer->wantsUse(graph, node, input) && observer->learnsUse(graph, node, input);
}

Result<Route> routeOf(const Graph& graph, const GradientProblem& problem, const GradientOptions& options) {
    Route route;
    QSCOPE_TRY(const std::vector<bool> leads, leadingEdges(graph, problem, route));
    const auto nameOf = [&](ValueId edge) { return graph.values[indexOf(edge)].name; };
    if (route.nodes.empty()) return fail(ErrorCode::OutOfRange, "'{}' is not made by a node", nameOf(problem.loss));

    const std::size_t edges = graph.values.size();
    route.active.assign(edges, false);
    for (const ValueId edge : problem.wanted) {
        if (!leads[indexOf(edge)]) return fail(ErrorCode::OutOfRange, "the loss does not depend on '{}'", nameOf(edge));
        route.active[indexOf(edge)] = true;
    }
    DifferentiableObserver* observer = options.observer;
    for (std::size_t i = 0; observer && i < edges; ++i)
        if (const auto edge = static_cast<ValueId>(i);
            leads[i] && observer->wants(graph, edge) && observer->learns(graph, edge))
            route.active[i] = true;

    route.firstUse.assign(edges, graph.nodes.size());
    route.lastSegment.assign(edges, 0);
    for (std::size_t i = 0; i < route.nodes.size(); ++i) {
        const std::size_t n = route.nodes[i];
        const Node& node = graph.nodes[n];
        if (i == 0 || (options.recompute && node.block != graph.nodes[route.nodes[i - 1]].block))
            route.segments.emplace_back(i, i);
        route.segments.back().second = i + 1;
        bool active = false;
        eachInput(node, [&](std::size_t edge) {
            active = active || route.active[edge];
            route.firstUse[edge] = std::min(route.firstUse[edge], n);
            route.lastSegment[edge] = route.segments.size();
        });
        for (std::size_t input = 0; input < node.inputs.size(); ++input)
            active = active || learnsAtUse(observer, graph, node, input);
        for (const ValueId edge : node.outputs)
            if (active && edge != kAbsent) route.active[indexOf(edge)] = true;
    }
    return route;
}

} // namespace qscope::engine::nn
