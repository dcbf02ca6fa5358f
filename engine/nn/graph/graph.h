// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/value.h"

#include <map>
#include <optional>
#include <string_view>
#include <variant>

namespace qscope::engine::nn {

struct Graph;
struct Operator;

/// Index of an edge in `Graph::values`. `kAbsent`: an optional input or output that is not there.
using ValueId = std::int32_t;
inline constexpr ValueId kAbsent = -1;

/// Where the elements of an edge come from.
enum class ValueRole : std::uint8_t {
    Input,    ///< given by whoever runs the graph
    Weight,   ///< loaded from the weight source by `name`, used, and dropped
    Constant, ///< known when the graph was built
    Inner     ///< made by a node
};

/// An edge. Names are unique in a graph and mean something to people: an output of the module
/// "model.layers.3.mlp.up_proj" is "model.layers.3.mlp.up_proj.output", the residual stream behind block 3 is
/// "model.layers.3.output"; a weight has the checkpoint's common name (Hugging Face's words).
struct ValueInfo {
    std::string name;
    ValueRole role = ValueRole::Inner;
    std::optional<Value> constant = std::nullopt;
};

using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
                               std::vector<std::string>, Value, std::shared_ptr<const Graph>>;

/// One application of an operator. The vocabulary is that of ONNX (newest form of each operator, domain ai.onnx), with
/// few additions of ours; see `operators/README.md`.
struct Node {
    const Operator* op = nullptr;
    std::string name; ///< module it belongs to, for people: "model.layers.3.mlp.up_proj"
    std::vector<ValueId> inputs;
    std::vector<ValueId> outputs;
    std::map<std::string, Attribute, std::less<>> attributes = {};
    std::vector<ValueId> captures =
        {}; ///< outer edges that the graphs among the attributes use, in the order of their `captured`
    std::optional<int> block = std::nullopt; ///< of the network, as `layerIndex` counts
    int opset = 25;                          ///< version of ai.onnx whose rules hold where they differ
};

/// Nodes in execution order over named edges. Immutable once built (`GraphBuilder`).
struct Graph {
    std::vector<ValueInfo> values;
    std::vector<Node> nodes;
    std::vector<ValueId> inputs;
    std::vector<ValueId> outputs;
    std::vector<ValueId> captured = {}; ///< of an inner graph: edges that take the values of the node's `captures`

    /// The edge of this name; linear.
    [[nodiscard]] std::optional<ValueId> find(std::string_view name) const;
};

/// The attribute when it is there and of type T, else `otherwise`.
template<class T>
[[nodiscard]] T attributeOr(const Node& node, std::string_view name, T otherwise) {
    const auto found = node.attributes.find(name);
    const T* value = found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
    return value ? *value : otherwise;
}

} // namespace qscope::engine::nn
