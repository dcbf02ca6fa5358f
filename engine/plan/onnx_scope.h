// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/unique_names.h"
#include "engine/nn/graph/builder.h"
#include "engine/plan/onnx_importer.h"

namespace qscope::engine {

// What names stand for while an ONNX model is imported. A graph inside a node sees the values around it; a function
// sees its inputs alone.

/// Values that the graphs inside one node take from around it; all graphs of a node take the same.
struct OnnxCaptures {
    std::vector<nn::ValueId> outer;
    std::vector<std::string> names;                          ///< of the edges inside
    std::unordered_map<nn::ValueId, std::size_t> index = {}; ///< by outer edge
};

/// One graph that is being written.
struct OnnxFrame {
    nn::GraphBuilder builder;
    OnnxCaptures* captures = nullptr; ///< null: the outermost graph
    std::vector<nn::ValueId> inner;   ///< edges of the captures, as far as they are made
    std::unordered_map<const OnnxStored*, nn::ValueId> constants = {};

    /// Makes the edges that other graphs of the node asked for.
    void takeAll();
};

/// What a name stands for: an edge, a stored tensor that may have no edge here yet, or, with neither, an absent input.
struct OnnxKnown {
    nn::ValueId edge = nn::kAbsent;
    const OnnxStored* stored = nullptr;
    OnnxType type = OnnxType::Undefined; ///< as far as the model says it
};

/// The names that nodes of one graph or function see, and what holds for them.
struct OnnxScope {
    OnnxFrame& frame;
    UniqueNames& edges;         ///< names that edges of any graph have
    OnnxScope* outer = nullptr; ///< that of the node around a graph
    std::string prefix = {};
    std::int64_t opset = 0;
    const OnnxNode* call = nullptr; ///< of a function, whose attributes the nodes inside may refer to
    const OnnxFunction* function = nullptr;
    std::unordered_map<std::string_view, OnnxKnown> names = {};
    std::unordered_map<std::string_view, OnnxType> types = {}; ///< as value_info states them
};

/// A name for an edge that is new, near what the model calls it.
[[nodiscard]] std::string edgeName(const OnnxScope& scope, std::string_view name);

/// Malformed when the scope has the name already.
[[nodiscard]] Result<void> define(OnnxScope& scope, std::string_view name, OnnxKnown known);

/// What the name stands for, with an edge in this scope's graph unless it is absent. Malformed when nothing defines it.
[[nodiscard]] Result<OnnxKnown> lookup(OnnxScope& scope, std::string_view name);

} // namespace qscope::engine
