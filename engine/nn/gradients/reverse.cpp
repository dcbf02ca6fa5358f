// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/reverse.h"

#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/route.h"
#include "engine/nn/gradients/support.h"

#include <set>

namespace qscope::engine::nn {

using backward::withReal;

namespace {

std::size_t indexOf(ValueId edge) { return static_cast<std::size_t>(edge); }

bool isReal(DType type) { return type == DType::F32 || type == DType::F64; }

Result<Value> added(const Value& a, const Value& b, const RunContext& context) {
    return withReal(a.dtype(), [&](auto zero) -> Result<Value> {
        using T = decltype(zero);
        const auto one = elements<T>(a);
        const auto other = elements<T>(b);
        std::vector<T> sum(one.size());
        QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(sum.size()), 1 << 16, context,
                                    [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                        std::transform(one.begin() + begin, one.begin() + end, other.begin() + begin,
                                                       sum.begin() + begin, std::plus<T>());
                                        return {};
                                    }));
        return makeValue<T>(a.shape(), std::move(sum));
    });
}

Result<void> expectLike(const Value& gradient, const Value& value, std::string_view name) {
    if (gradient.shape() == value.shape() && gradient.dtype() == value.dtype()) return {};
    return fail(ErrorCode::OutOfRange, "the gradient of '{}' has another shape or type than its value", name);
}

/// Passes values forward while it runs a segment, and remembers what they were before they were replaced.
class Recorder final : public Observer {
public:
    explicit Recorder(DifferentiableObserver* user)
        : m_user(user) {}

    bool wants(const Graph& graph, ValueId edge) override { return m_user && !muted && m_user->wants(graph, edge); }
    Result<Value> value(const Graph& graph, ValueId edge, Value value) override {
        if (recording && graph.values[indexOf(edge)].role == ValueRole::Inner) originals[edge] = value;
        return m_user->value(graph, edge, std::move(value));
    }
    bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override {
        return m_user && m_user->wantsUse(graph, node, input);
    }
    Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override {
        return m_user->use(graph, node, input, std::move(value));
    }

    bool muted = false;
    bool recording = false;
    std::map<ValueId, Value> originals;

private:
    DifferentiableObserver* m_user;
};

class Pass {
    using Given = std::pair<ValueId, Value>;

public:
    Pass(const Graph& graph, const GradientProblem& problem, const WeightSource& weights, const RunContext& context,
         const GradientOptions& options)
        : m_graph(graph)
        , m_problem(problem)
        , m_weights(weights)
        , m_context(context)
        , m_options(options)
        , m_recorder(options.observer)
        , m_gradients(graph.values.size()) {}

    Result<Gradients> run();

private:
    const std::string& nameOf(ValueId edge) const { return m_graph.values[indexOf(edge)].name; }
    bool isGiven(ValueId edge) const {
        return std::ranges::find(m_problem.given, edge, &Given::first) != m_problem.given.end();
    }
    bool isWanted(ValueId edge) const { return std::ranges::find(m_problem.wanted, edge) != m_problem.wanted.end(); }
    bool learnsUse(const Node& node, std::size_t input) const {
        return learnsAtUse(m_options.observer, m_graph, node, input);
    }

    Result<void> takeGiven();
    Result<void> runSegment(Execution& execution, std::size_t segment);
    Result<void> forward();
    Result<void> backward(std::size_t segment);
    Result<void> seed(const Execution& execution);
    Result<void> passNode(Execution& execution, std::size_t index);
    Result<InputGradients> gradientsOf(Execution& execution, const Node& node, const std::vector<bool>& wanted,
                                       std::vector<std::optional<Value>>& before);
    Result<void> add(ValueId edge, Value gradient);
    Result<void> finish(Execution& execution, ValueId edge);
    Result<Value> original(Execution& execution, ValueId edge);
    void countHeld(const Execution& execution);

    const Graph& m_graph;
    const GradientProblem& m_problem;
    const WeightSource& m_weights;
    const RunContext& m_context;
    const GradientOptions& m_options;
    Recorder m_recorder;
    Route m_route;
    std::map<ValueId, Value> m_givenOriginals; ///< of given edges that the observer replaces
    std::map<ValueId, Value> m_borders;        ///< values that flow from one segment to another, and given ones
    std::vector<std::optional<Value>> m_gradients;
    Gradients m_result;
};

Result<void> Pass::takeGiven() {
    for (const auto& [edge, value] : m_problem.given) {
        m_borders[edge] = value;
        if (!m_options.observer || !m_options.observer->wants(m_graph, edge)) continue;
        m_givenOriginals[edge] = value;
        QSCOPE_TRY(m_borders[edge], m_options.observer->value(m_graph, edge, value));
        QSCOPE_CHECK(expectLike(m_borders[edge], value, nameOf(edge)));
    }
    return {};
}

Result<void> Pass::runSegment(Execution& execution, std::size_t segment) {
    const auto [first, end] = m_route.segments[segment];
    m_recorder.muted = true; // what comes from outside has been seen
    for (std::size_t i = first; i < end; ++i) {
        const Node& node = m_graph.nodes[m_route.nodes[i]];
        for (const auto* list : {&node.inputs, &node.captures})
            for (const ValueId edge : *list)
                if (const auto border = m_borders.find(edge); border != m_borders.end() && !execution.find(edge))
                    QSCOPE_CHECK(execution.set(edge, border->second));
    }
    m_recorder.muted = false;
    for (std::size_t i = first; i < end; ++i) QSCOPE_CHECK(execution.run(m_route.nodes[i], m_route.nodes[i] + 1));
    return {};
}

/// All segments but the last, of each only what later ones need.
Result<void> Pass::forward() {
    for (std::size_t segment = 0; segment + 1 < m_route.segments.size(); ++segment) {
        Execution execution(m_graph, m_weights, m_context, {m_options.precision, &m_recorder});
        std::vector<ValueId> borders;
        for (std::size_t i = m_route.segments[segment].first; i < m_route.segments[segment].second; ++i)
            for (const ValueId edge : m_graph.nodes[m_route.nodes[i]].outputs)
                if (edge != kAbsent && m_route.lastSegment[indexOf(edge)] > segment + 1) borders.push_back(edge);
        for (const ValueId edge : borders) execution.keep(edge);
        QSCOPE_CHECK(runSegment(execution, segment));
        for (const ValueId edge : borders) m_borders[edge] = *execution.find(edge);
    }
    return {};
}

void Pass::countHeld(const Execution& execution) {
    std::set<const std::byte*> seen; // reshaped values share their elements
    std::int64_t bytes = 0;
    const auto count = [&](const Value& value) {
        if (seen.insert(value.host.bytes.data()).second) bytes += static_cast<std::int64_t>(value.host.bytes.size());
    };
    for (const auto* list : {&m_borders, &m_givenOriginals, &m_recorder.originals})
        for (const auto& [edge, value] : *list) count(value);
    for (std::size_t edge = 0; edge < m_graph.values.size(); ++edge)
        if (const Value* value = execution.find(static_cast<ValueId>(edge))) count(*value);
    m_result.heldBytes = std::max(m_result.heldBytes, bytes);
}

Result<void> Pass::seed(const Execution& execution) {
    const Value& value = *execution.find(m_problem.loss);
    if (m_problem.lossOf) {
        QSCOPE_TRY(Loss loss, m_problem.lossOf(value, m_context));
        QSCOPE_CHECK(expectLike(loss.gradient, value, nameOf(m_problem.loss)));
        m_result.loss = loss.value;
        m_gradients[indexOf(m_problem.loss)] = std::move(loss.gradient);
        return {};
    }
    if (elementCount(value.shape()) != 1)
        return fail(ErrorCode::OutOfRange, "the loss '{}' is not one number", nameOf(m_problem.loss));
    return withReal(value.dtype(), [&](auto zero) -> Result<void> {
        using T = decltype(zero);
        m_result.loss = static_cast<double>(elements<T>(value)[0]);
        m_gradients[indexOf(m_problem.loss)] = makeValue<T>(value.shape(), {T{1}});
        return {};
    });
}

/// What the edge was before the observer.
Result<Value> Pass::original(Execution& execution, ValueId edge) {
    if (const auto found = m_givenOriginals.find(edge); found != m_givenOriginals.end()) return found->second;
    if (const auto found = m_recorder.originals.find(edge); found != m_recorder.originals.end()) return found->second;
    m_recorder.muted = true;
    auto value = execution.load(edge);
    m_recorder.muted = false;
    return value;
}

Result<void> Pass::add(ValueId edge, Value gradient) {
    std::optional<Value>& sum = m_gradients[indexOf(edge)];
    if (!sum) {
        sum = std::move(gradient);
        return {};
    }
    QSCOPE_TRY(sum, added(*sum, gradient, m_context));
    return {};
}

/// All users of the edge have added to its gradient: through the observer, and to the result.
Result<void> Pass::finish(Execution& execution, ValueId edge) {
    std::optional<Value>& gradient = m_gradients[indexOf(edge)];
    if (!gradient && !isWanted(edge)) return {};
    const bool replaced = m_options.observer && m_options.observer->wants(m_graph, edge);
    if (!gradient || replaced) {
        QSCOPE_TRY(const Value before, original(execution, edge));
        if (!gradient) { // the loss depends on it by name only: through a shape, or where a function is flat
            QSCOPE_TRY(gradient, withReal(before.dtype(), [&](auto zero) -> Result<Value> {
                           return backward::zeros<decltype(zero)>(before.shape());
                       }));
        } else {
            QSCOPE_TRY(gradient, m_options.observer->valueGradient(m_graph, edge, before, std::move(*gradient)));
            QSCOPE_CHECK(expectLike(*gradient, before, nameOf(edge)));
        }
    }
    if (isWanted(edge)) m_result.of[edge] = *gradient;
    return {};
}

/// Gradients of the node's inputs as the node saw them; `before`: what those were that the observer replaced for it.
Result<InputGradients> Pass::gradientsOf(Execution& execution, const Node& node, const std::vector<bool>& wanted,
                                         std::vector<std::optional<Value>>& before) {
    std::vector<std::optional<Value>> held(node.inputs.size());
    std::vector<const Value*> inputs(node.inputs.size(), nullptr);
    std::vector<bool> real = wanted;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == kAbsent) continue;
        QSCOPE_TRY(held[i], execution.load(node.inputs[i]));
        const DType type = held[i]->dtype();
        if (wanted[i] && (type == DType::F16 || type == DType::BF16))
            return fail(ErrorCode::Unsupported, "no gradients in {}", info(type).name);
        real[i] = wanted[i] && isReal(type);
        if (m_recorder.wantsUse(m_graph, node, i)) {
            before[i] = held[i];
            QSCOPE_TRY(held[i], m_recorder.use(m_graph, node, i, *held[i]));
        }
        inputs[i] = &*held[i];
    }
    if (std::ranges::find(real, true) == real.end()) return InputGradients(node.inputs.size());
    std::vector<const Value*> outputs(node.outputs.size(), nullptr);
    std::vector<const Value*> arrived(node.outputs.size(), nullptr);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        const ValueId edge = node.outputs[i];
        if (edge == kAbsent) continue;
        // A node's own gradient is that of what it made, not of what the observer made of that.
        const auto made = m_recorder.originals.find(edge);
        outputs[i] = made != m_recorder.originals.end() ? &made->second : execution.find(edge);
        if (m_gradients[indexOf(edge)]) arrived[i] = &*m_gradients[indexOf(edge)];
    }
    QSCOPE_TRY(InputGradients found, inputGradients({node, inputs, outputs, arrived, real, m_context}));
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i]) QSCOPE_CHECK(expectLike(*found[i], *held[i], nameOf(node.inputs[i])));
    return found;
}

Result<void> Pass::passNode(Execution& execution, std::size_t index) {
    const Node& node = m_graph.nodes[index];
    bool arrived = false;
    for (const ValueId edge : node.outputs) {
        if (edge == kAbsent) continue;
        QSCOPE_CHECK(finish(execution, edge));
        arrived = arrived || m_gradients[indexOf(edge)];
    }
    std::vector<bool> wanted(node.inputs.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
        wanted[i] = node.inputs[i] != kAbsent && (m_route.active[indexOf(node.inputs[i])] || learnsUse(node, i));
    if (arrived) {
        for (const ValueId edge : node.captures)
            if (m_route.active[indexOf(edge)])
                return fail(ErrorCode::Unsupported, "operator {} has no gradient", node.op->name);
        std::vector<std::optional<Value>> before(node.inputs.size());
        QSCOPE_TRY(InputGradients found, gradientsOf(execution, node, wanted, before));
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (!found[i] || !wanted[i]) continue;
            if (before[i]) {
                QSCOPE_TRY(found[i],
                           m_options.observer->useGradient(m_graph, node, i, *before[i], std::move(*found[i])));
            }
            if (m_route.active[indexOf(node.inputs[i])]) QSCOPE_CHECK(add(node.inputs[i], std::move(*found[i])));
        }
    }
    for (const ValueId edge : node.outputs)
        if (edge != kAbsent) m_gradients[indexOf(edge)].reset();
    for (const auto* list : {&node.inputs, &node.captures})
        for (const ValueId edge : *list) {
            if (edge == kAbsent || m_route.firstUse[indexOf(edge)] != index || !m_route.active[indexOf(edge)]) continue;
            if (m_graph.values[indexOf(edge)].role == ValueRole::Inner && !isGiven(edge)) continue;
            // The same edge may be an input twice.
            if (m_gradients[indexOf(edge)] || !m_result.of.contains(edge)) QSCOPE_CHECK(finish(execution, edge));
            m_gradients[indexOf(edge)].reset();
        }
    return {};
}

Result<void> Pass::backward(std::size_t segment) {
    const auto [first, end] = m_route.segments[segment];
    for (std::size_t i = first; i < end; ++i) // later segments are done with them
        for (const ValueId edge : m_graph.nodes[m_route.nodes[i]].outputs) m_borders.erase(edge);
    Execution execution(m_graph, m_weights, m_context, {m_options.precision, &m_recorder});
    execution.keepAll();
    m_recorder.originals.clear();
    m_recorder.recording = true;
    QSCOPE_CHECK(runSegment(execution, segment));
    m_recorder.recording = false;
    countHeld(execution);
    if (segment + 1 == m_route.segments.size()) QSCOPE_CHECK(seed(execution));
    for (std::size_t i = end; i-- > first;) {
        if (m_context.cancelled()) return cancelled();
        const Node& node = m_graph.nodes[m_route.nodes[i]];
        if (auto passed = passNode(execution, m_route.nodes[i]); !passed)
            return during(std::move(passed).error(), fmt::format("gradient of {} '{}'", node.op->name, node.name));
    }
    return {};
}

Result<Gradients> Pass::run() {
    std::vector<ValueId> named = m_problem.wanted;
    named.push_back(m_problem.loss);
    for (const auto& [edge, value] : m_problem.given) named.push_back(edge);
    for (const ValueId edge : named)
        if (edge < 0 || indexOf(edge) >= m_graph.values.size())
            return fail(ErrorCode::OutOfRange, "there is no edge {}", edge);
    QSCOPE_TRY(m_route, routeOf(m_graph, m_problem, m_options));
    QSCOPE_CHECK(takeGiven());
    QSCOPE_CHECK(forward());
    for (std::size_t segment = m_route.segments.size(); segment-- > 0;) QSCOPE_CHECK(backward(segment));
    return std::move(m_result);
}

} // namespace

Result<Gradients> gradients(const Graph& graph, const GradientProblem& problem, const WeightSource& weights,
                            const RunContext& context, const GradientOptions& options) {
    Progress own; // a caller counts steps or batches, not chunks
    const RunContext quiet{context.stop, own, context.notes, context.backend};
    return Pass(graph, problem, weights, quiet, options).run();
}

} // namespace qscope::engine::nn
