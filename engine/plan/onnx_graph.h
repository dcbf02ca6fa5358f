// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/types.h"
#include "engine/nn/graph/execution.h"

#include <filesystem>

namespace qscope::engine {

/// An input or output of a model as the model declares it.
struct OnnxSlot {
    std::string name;
    OnnxType type = OnnxType::Undefined; ///< Undefined: not said
    std::optional<Shape> shape;          ///< -1 where a size is known later; nothing: the rank is not known either
};

/// A network that an ONNX model describes, ready to run.
///
/// Edges have the model's names; those of graphs inside nodes and of functions, which are written out where they are
/// called, come after the node's name and a slash. Weights have the names that the checkpoint's catalogue gives stored
/// tensors. What stands in a name's way gets "#2".
struct OnnxNetwork {
    std::shared_ptr<const nn::Graph> graph;
    /// Single precision means the types of the model; double makes F64 of F32. Infinities pass: masks are made of them.
    std::shared_ptr<const nn::WeightSource> weights;
    std::vector<OnnxSlot> inputs; ///< in the graph's order; initializers are no inputs
    std::vector<OnnxSlot> outputs;
};

/// Reads a model for ai.onnx, operator sets 7 and newer, com.microsoft's MatMulNBits, and functions of the model's own.
/// Weights stay in the file until a node needs them. Malformed for damaged files, values that nothing before them gives
/// and names given twice; Unsupported names the operator, its domain and operator set.
[[nodiscard]] Result<OnnxNetwork> openOnnxNetwork(const std::filesystem::path& path, const ReadLimits& limits,
                                                  Diagnostics& notes);

/// One run of a model on these inputs, in its order: its outputs, in its order.
[[nodiscard]] Result<std::vector<nn::Value>> runOnnx(const std::filesystem::path& path,
                                                     std::span<const nn::Value> inputs, const RunContext& context,
                                                     nn::ExecutionOptions options = {});

} // namespace qscope::engine
