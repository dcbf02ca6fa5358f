// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"
#include "engine/core/diagnostics.h"
#include "engine/nn/graph/graph.h"

#include <unordered_map>

namespace qscope::engine {

/// A tensor that the model stores: a weight of the graph by its name, or a value that is known now.
struct OnnxStored {
    std::string name;
    OnnxType type = OnnxType::Undefined;
    std::optional<nn::Value> constant;
};
/// By the tensor, or by the numbers of an attribute, that holds it in the model.
using OnnxStoredTensors = std::unordered_map<const void*, OnnxStored>;

/// The model's graph in the vocabulary of `nn::Operator`. Errors as `openOnnxNetwork` states them.
[[nodiscard]] Result<std::shared_ptr<const nn::Graph>> importOnnx(const OnnxModel& model,
                                                                  const OnnxStoredTensors& stored, MemoryBudget& budget,
                                                                  const ReadLimits& limits, Diagnostics& notes);

} // namespace qscope::engine
