// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/operator.h"

#include <unordered_map>

namespace qscope::engine::nn {

/// Where weights come from: a file, a quantized result, a training step. Safe to use from several threads.
class WeightSource {
public:
    virtual ~WeightSource() = default;
    /// The weight by its common name: floating point in the asked precision, integers as stored. Malformed when it
    /// holds NaN or infinity; OutOfRange when there is none.
    [[nodiscard]] virtual Result<Value> weight(std::string_view name, Precision precision) const = 0;
};

/// Watches a run and may change what flows: the one mechanism behind calibration, activation quantization and error
/// propagation. Called in execution order, from the thread that runs the graph.
class Observer {
public:
    virtual ~Observer() = default;
    /// Whether `value` is to be called for this edge (weights, inputs and constants included).
    [[nodiscard]] virtual bool wants(const Graph& graph, ValueId edge) = 0;
    /// The edge has this value now. What comes back, of the same shape and type, is what all its users see.
    [[nodiscard]] virtual Result<Value> value(const Graph& graph, ValueId edge, Value value) = 0;
    /// Whether `use` is to be called for this input of this node.
    [[nodiscard]] virtual bool wantsUse(const Graph&, const Node&, std::size_t) { return false; }
    /// One node is about to use one of its inputs; what comes back is what this node sees, and no other.
    [[nodiscard]] virtual Result<Value> use(const Graph&, const Node&, std::size_t, Value value) { return value; }
};

class DeviceRun;

struct ExecutionOptions {
    Precision precision = Precision::Single; ///< of weights and floating-point constants
    Observer* observer = nullptr;
    Session* session = nullptr;
    DeviceRun* device = nullptr; ///< runs what it can in single precision; null: everything runs on the CPU
};

/// One run of a graph, whole or in parts. Edges are dropped after their last use unless kept; weights are loaded when a
/// node needs them and dropped after it. Graph, weights, observer and context must outlive it.
class Execution {
public:
    Execution(const Graph& graph, const WeightSource& weights, const RunContext& context,
              ExecutionOptions options = {});

    /// Keeps the edge's value after its last use. The graph's outputs are kept anyway.
    void keep(ValueId edge) { m_kept[static_cast<std::size_t>(edge)] = true; }
    void keepAll() { m_kept.assign(m_kept.size(), true); }
    /// Gives an input, or what an earlier run knew of an inner edge. The observer sees it.
    [[nodiscard]] Result<void> set(ValueId edge, Value value);
    /// Runs nodes [first, end). Errors name the node. Cancelled between and, for long ones, inside nodes.
    [[nodiscard]] Result<void> run(std::size_t first, std::size_t end);
    [[nodiscard]] Result<void> run() { return run(0, m_graph.nodes.size()); }
    /// The value of an edge that is known and not dropped yet, else null. With a device it may lie there alone.
    [[nodiscard]] const Value* find(ValueId edge) const;
    /// What nodes see of an edge: its value, or a weight or constant loaded for the occasion and shown to the observer.
    [[nodiscard]] Result<Value> load(ValueId edge);
    /// The same with its bytes, wherever it lies; OutOfRange when it is not known.
    [[nodiscard]] Result<Value> value(ValueId edge) const;
    /// The graph's outputs after a whole run.
    [[nodiscard]] Result<std::vector<Value>> outputs() const;

private:
    [[nodiscard]] Result<Value> seen(ValueId edge, Value value);
    [[nodiscard]] Result<Value> onHost(Value value) const;
    [[nodiscard]] Result<std::vector<Value>> compute(const Node& node, std::span<std::optional<Value>> inputs);
    [[nodiscard]] Result<void> runNode(const Node& node);

    const Graph& m_graph;
    const WeightSource& m_weights;
    const RunContext& m_context;
    ExecutionOptions m_options;
    std::vector<std::optional<Value>> m_values;
    std::vector<bool> m_kept;
    std::vector<std::size_t> m_lastUse; ///< index of the last node that uses each edge, plus one; 0: none
};

/// A whole run: the graph's outputs for its inputs, in their order.
[[nodiscard]] Result<std::vector<Value>> runGraph(const Graph& graph, std::span<const Value> inputs,
                                                  const WeightSource& weights, const RunContext& context,
                                                  ExecutionOptions options = {});

} // namespace qscope::engine::nn
