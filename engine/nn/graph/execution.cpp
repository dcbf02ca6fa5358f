// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/execution.h"

#include "engine/nn/device/device_run.h"

namespace qscope::engine::nn {

namespace {

std::size_t indexOf(ValueId edge) { return static_cast<std::size_t>(edge); }

bool isReal(DType type) { return type == DType::F32 || type == DType::F64; }

} // namespace

Execution::Execution(const Graph& graph, const WeightSource& weights, const RunContext& context,
                     ExecutionOptions options)
    : m_graph(graph)
    , m_weights(weights)
    , m_context(context)
    , m_options(options)
    , m_values(graph.values.size())
    , m_kept(graph.values.size(), false)
    , m_lastUse(graph.values.size(), 0) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
        for (const auto* list : {&graph.nodes[n].inputs, &graph.nodes[n].captures})
            for (const ValueId edge : *list)
                if (edge != kAbsent) m_lastUse[indexOf(edge)] = n + 1;
    for (const ValueId edge : graph.outputs) keep(edge);
}

Result<Value> Execution::onHost(Value value) const {
    if (value.onHost()) return value;
    if (!m_options.device) return fail(ErrorCode::Device, "a value lies on a device that this run does not have");
    return m_options.device->onHost(std::move(value));
}

Result<Value> Execution::seen(ValueId edge, Value value) {
    if (!m_options.observer || !m_options.observer->wants(m_graph, edge)) return value;
    QSCOPE_TRY(value, onHost(std::move(value)));
    const Shape before = value.shape();
    QSCOPE_TRY(Value after, m_options.observer->value(m_graph, edge, std::move(value)));
    if (after.shape() != before)
        return fail(ErrorCode::OutOfRange, "'{}' was replaced by a tensor of another shape",
                    m_graph.values[indexOf(edge)].name);
    return after;
}

Result<void> Execution::set(ValueId edge, Value value) {
    QSCOPE_TRY(m_values[indexOf(edge)], seen(edge, std::move(value)));
    return {};
}

Result<Value> Execution::load(ValueId edge) {
    const ValueInfo& known = m_graph.values[indexOf(edge)];
    if (m_values[indexOf(edge)]) return *m_values[indexOf(edge)];
    if (known.role == ValueRole::Weight) {
        auto value = m_weights.weight(known.name, m_options.precision);
        if (!value) return during(std::move(value).error(), fmt::format("weight '{}'", known.name));
        return seen(edge, std::move(*value));
    }
    if (known.role == ValueRole::Constant) {
        Value value = *known.constant;
        if (m_options.precision == Precision::Double && isReal(value.dtype())) {
            QSCOPE_TRY(value, converted(value, DType::F64));
        }
        return seen(edge, std::move(value));
    }
    return fail(ErrorCode::OutOfRange, "'{}' has no value", known.name);
}

/// The node's outputs, from the device where that does the node, else from the operator itself.
Result<std::vector<Value>> Execution::compute(const Node& node, std::span<std::optional<Value>> inputs) {
    std::vector<const Value*> given;
    for (const auto& input : inputs) given.push_back(input ? &*input : nullptr);
    Progress own; // operators count their chunks; the run's progress belongs to whoever runs the graph
    const RunContext quiet{m_context.stop, own, m_context.notes, m_context.backend};
    OperatorContext context{quiet, m_options.session, {}, {}};
    if (m_options.device && m_options.precision == Precision::Single) {
        QSCOPE_TRY(auto made, m_options.device->run(node, given, context));
        if (made) return std::move(*made);
    }
    for (auto& input : inputs)
        if (input) {
            QSCOPE_TRY(input, onHost(std::move(*input)));
        }
    std::vector<Value> captures;
    for (const ValueId edge : node.captures) {
        QSCOPE_TRY(Value value, load(edge));
        QSCOPE_TRY(captures.emplace_back(), onHost(std::move(value)));
    }
    context.captures = captures;
    context.runGraph = [&](const Graph& graph, std::span<const Value> values) -> Result<std::vector<Value>> {
        Execution inner(graph, m_weights, m_context, m_options);
        if (values.size() != graph.inputs.size() || captures.size() != graph.captured.size())
            return fail(ErrorCode::Malformed, "an inner graph takes {} inputs, not {}", graph.inputs.size(),
                        values.size());
        for (std::size_t i = 0; i < values.size(); ++i) QSCOPE_CHECK(inner.set(graph.inputs[i], values[i]));
        for (std::size_t i = 0; i < captures.size(); ++i) QSCOPE_CHECK(inner.set(graph.captured[i], captures[i]));
        QSCOPE_CHECK(inner.run());
        return inner.outputs();
    };
    return node.op->forward(node, given, context);
}

Result<void> Execution::runNode(const Node& node) {
    std::vector<std::optional<Value>> inputs(node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == kAbsent) continue;
        QSCOPE_TRY(inputs[i], load(node.inputs[i]));
        if (m_options.observer && m_options.observer->wantsUse(m_graph, node, i)) {
            QSCOPE_TRY(inputs[i], onHost(std::move(*inputs[i])));
            QSCOPE_TRY(inputs[i], m_options.observer->use(m_graph, node, i, std::move(*inputs[i])));
        }
    }
    QSCOPE_TRY(std::vector<Value> outputs, compute(node, inputs));
    if (outputs.size() < node.outputs.size())
        return fail(ErrorCode::Unsupported, "only {} of {} outputs are made", outputs.size(), node.outputs.size());
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
        if (node.outputs[i] != kAbsent) QSCOPE_CHECK(set(node.outputs[i], std::move(outputs[i])));
    return {};
}

Result<void> Execution::run(std::size_t first, std::size_t end) {
    for (std::size_t n = first; n < end; ++n) {
        if (m_context.cancelled()) return cancelled();
        const Node& node = m_graph.nodes[n];
        if (auto ran = runNode(node); !ran)
            return during(std::move(ran).error(), fmt::format("{} '{}'", node.op->name, node.name));
        const auto drop = [&](ValueId edge) {
            if (edge != kAbsent && !m_kept[indexOf(edge)] && m_lastUse[indexOf(edge)] <= n + 1)
                m_values[indexOf(edge)].reset();
        };
        for (const auto* list : {&node.inputs, &node.captures, &node.outputs})
            for (const ValueId edge : *list) drop(edge);
    }
    return {};
}

const Value* Execution::find(ValueId edge) const {
    const auto& value = m_values[indexOf(edge)];
    return value ? &*value : nullptr;
}

Result<Value> Execution::value(ValueId edge) const {
    const Value* known = find(edge);
    if (!known) return fail(ErrorCode::OutOfRange, "'{}' has no value", m_graph.values[indexOf(edge)].name);
    return onHost(*known);
}

Result<std::vector<Value>> Execution::outputs() const {
    std::vector<Value> values;
    for (const ValueId edge : m_graph.outputs) {
        const Value* value = find(edge);
        const ValueInfo& known = m_graph.values[indexOf(edge)];
        if (!value && known.role == ValueRole::Constant) value = &*known.constant;
        if (!value) return fail(ErrorCode::OutOfRange, "output '{}' has no value", known.name);
        QSCOPE_TRY(values.emplace_back(), onHost(*value));
    }
    return values;
}

Result<std::vector<Value>> runGraph(const Graph& graph, std::span<const Value> inputs, const WeightSource& weights,
                                    const RunContext& context, ExecutionOptions options) {
    if (inputs.size() != graph.inputs.size())
        return fail(ErrorCode::OutOfRange, "the graph takes {} inputs, not {}", graph.inputs.size(), inputs.size());
    Execution execution(graph, weights, context, options);
    for (std::size_t i = 0; i < inputs.size(); ++i) QSCOPE_CHECK(execution.set(graph.inputs[i], inputs[i]));
    QSCOPE_CHECK(execution.run());
    return execution.outputs();
}

} // namespace qscope::engine::nn
