// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/graph.h"

#include "engine/nn/graph/builder.h"
#include "engine/nn/graph/operator.h"

#include <algorithm>

namespace qscope::engine::nn {

std::optional<ValueId> Graph::find(std::string_view name) const {
    const auto found = std::ranges::find(values, name, &ValueInfo::name);
    if (found == values.end()) return std::nullopt;
    return static_cast<ValueId>(found - values.begin());
}

void GraphBuilder::complain(Error error) {
    if (!m_error) m_error = std::move(error);
}

ValueId GraphBuilder::addValue(std::string name, ValueRole role, std::optional<Value> constant) {
    const auto id = static_cast<ValueId>(m_graph.values.size());
    if (!m_byName.emplace(name, id).second)
        complain({ErrorCode::Malformed, fmt::format("two edges of the graph are called '{}'", name), {}});
    m_graph.values.push_back({std::move(name), role, std::move(constant)});
    return id;
}

ValueId GraphBuilder::input(std::string name) {
    const ValueId id = addValue(std::move(name), ValueRole::Input);
    m_graph.inputs.push_back(id);
    return id;
}

ValueId GraphBuilder::captured(std::string name) {
    const ValueId id = addValue(std::move(name), ValueRole::Input);
    m_graph.captured.push_back(id);
    return id;
}

ValueId GraphBuilder::weight(std::string name) {
    const auto known = m_byName.find(name);
    if (known != m_byName.end() && m_graph.values[static_cast<std::size_t>(known->second)].role == ValueRole::Weight)
        return known->second;
    return addValue(std::move(name), ValueRole::Weight);
}

ValueId GraphBuilder::constant(std::string name, Value value) {
    return addValue(std::move(name), ValueRole::Constant, std::move(value));
}

ValueId GraphBuilder::add(std::string_view op, std::string name, std::vector<ValueId> inputs,
                          std::map<std::string, Attribute, std::less<>> attributes) {
    Node node;
    node.name = name;
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    return addNode(op, std::move(node), {std::move(name) + ".output"}).front();
}

std::vector<ValueId> GraphBuilder::addNode(std::string_view op, Node node,
                                           const std::vector<std::string>& outputNames) {
    node.op = findOperator(op);
    node.block = m_block;
    const auto inputs = static_cast<int>(node.inputs.size());
    if (!node.op)
        complain({ErrorCode::Unsupported, fmt::format("operator {} (node '{}') is not known", op, node.name), {}});
    else if (inputs < node.op->minimumInputs || (node.op->maximumInputs >= 0 && inputs > node.op->maximumInputs) ||
             (node.op->maximumOutputs >= 0 && static_cast<int>(outputNames.size()) > node.op->maximumOutputs))
        complain({ErrorCode::Malformed,
                  fmt::format("{} (node '{}') does not take {} inputs and give {} outputs", op, node.name, inputs,
                              outputNames.size()),
                  {}});
    // An operator may rely on its required inputs, and a list of any length on all of them.
    if (node.op)
        for (int i = 0;
             i < (node.op->maximumInputs < 0 && node.op->minimumInputs > 0 ? inputs
                                                                           : std::min(node.op->minimumInputs, inputs));
             ++i)
            if (node.inputs[static_cast<std::size_t>(i)] == kAbsent)
                complain(
                    {ErrorCode::Malformed, fmt::format("input {} of {} (node '{}') is missing", i, op, node.name), {}});
    for (const auto* list : {&node.inputs, &node.captures})
        for (const ValueId edge : *list)
            if (edge != kAbsent && (edge < 0 || edge >= static_cast<ValueId>(m_graph.values.size())))
                complain(
                    {ErrorCode::Malformed, fmt::format("node '{}' uses an edge that does not exist", node.name), {}});
    std::vector<ValueId> outputs;
    for (const std::string& name : outputNames)
        outputs.push_back(name.empty() ? kAbsent : addValue(name, ValueRole::Inner));
    node.outputs = outputs;
    m_graph.nodes.push_back(std::move(node));
    return outputs;
}

void GraphBuilder::rename(ValueId value, std::string name) {
    std::string& old = m_graph.values[static_cast<std::size_t>(value)].name;
    m_byName.erase(old);
    if (!m_byName.emplace(name, value).second)
        complain({ErrorCode::Malformed, fmt::format("two edges of the graph are called '{}'", name), {}});
    old = std::move(name);
}

Result<std::shared_ptr<const Graph>> GraphBuilder::finish() {
    if (m_error) return tl::unexpected<Error>(*m_error);
    return std::make_shared<const Graph>(std::move(m_graph));
}

} // namespace qscope::engine::nn
