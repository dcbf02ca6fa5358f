// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"
#include "engine/nn/graph/builder.h"

#include <functional>

namespace qscope::engine {

/// A node on its way from a model into a graph: inputs and attributes are there, the operator may still have an old or
/// foreign form.
struct OnnxDraft {
    std::string op;
    std::string domain;
    nn::Node node;                    ///< without its operator; `opset` is set
    std::vector<OnnxType> inputTypes; ///< as far as the model says them, else Undefined
    std::vector<std::string> outputs; ///< names of the edges to be made
    std::vector<OnnxType> outputTypes;
};

/// Brings the draft to the newest form of its operator in ai.onnx, as `engine/nn/operators` does it: attributes that
/// became inputs, operators that were renamed or follow from others, element types that values of ours do not tell
/// (`nn::Value` holds INT4 in I8). May add edges and nodes that the draft then uses; `unique` names them.
/// Unsupported for forms without an equal.
[[nodiscard]] Result<void> upgrade(OnnxDraft& draft, nn::GraphBuilder& builder,
                                   const std::function<std::string(std::string)>& unique);

} // namespace qscope::engine
