// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"
#include "engine/core/diagnostics.h"

#include <array>
#include <string>

namespace qscope::engine {

/// A stored tensor of a model: an initializer or the value of a Constant node, of the main graph, of a graph inside a
/// node, or of a function.
struct OnnxWeight {
    std::string name;                     ///< unique; "If_0/then_branch/w" for "w" inside a node's graph
    std::string_view ownName;             ///< within its graph
    const OnnxTensor* tensor = nullptr;   ///< or null: `numbers`
    std::span<const std::byte> numbers;   ///< of a Constant's value_float(s) or value_int(s)
    OnnxType type = OnnxType::Undefined;
    Shape shape;
    std::size_t uses = 0;                 ///< node inputs and graph outputs that name it
};

/// A node that turns codes into values, with the weights among its inputs (DequantizeLinear, MatMulNBits, MatMulBnb4).
struct OnnxCodedUse {
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    const OnnxNode* node = nullptr;
    std::array<std::size_t, 6> inputs{}; ///< index of the weight, or kNone
    std::string name;                    ///< qualified name of its first output
};

struct OnnxWeights {
    std::vector<OnnxWeight> weights; ///< a graph's initializers, then its constants in node order, then inner graphs
    std::vector<OnnxCodedUse> uses;
};

/// Finds all weights of a model and the nodes that give codes a meaning. Texts are left out with a note; sparse
/// tensors are Unsupported.
[[nodiscard]] Result<OnnxWeights> collectWeights(const OnnxModel& model, MemoryBudget& budget, const ReadLimits& limits,
                                                 Diagnostics& notes);

/// The node's domain is ai.onnx or com.microsoft and its operator is this one.
[[nodiscard]] bool isStandard(const OnnxNode& node, std::string_view opType);
[[nodiscard]] bool isMicrosoft(const OnnxNode& node, std::string_view opType);

} // namespace qscope::engine
