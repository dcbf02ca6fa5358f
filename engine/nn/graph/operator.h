// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/graph/graph.h"

#include <functional>

namespace qscope::engine::nn {

/// What a stateful model carries from one call to the next: keys and values of attention, states of recurrences. Each
/// node with a "slot" attribute owns the entry of that number.
struct Session {
    std::int64_t position = 0; ///< tokens seen so far; the caller advances it after each run
    std::map<std::int64_t, std::vector<Value>> slots;
};

/// What an operator may use besides its inputs.
struct OperatorContext {
    const RunContext& run;
    Session* session = nullptr;           ///< null: a run that remembers nothing
    std::span<const Value> captures = {}; ///< values of the node's captures
    /// Runs a graph among the node's attributes on these inputs, with the node's captures.
    std::function<Result<std::vector<Value>>(const Graph& graph, std::span<const Value> inputs)> runGraph = {};
};

/// Inputs in the node's order; an absent optional one is a null pointer.
using OperatorInputs = std::span<const Value* const>;

/// What one operator does: its outputs from its inputs, as many as the node has (absent ones may be left default).
/// Unsupported for types and attribute values it does not do, OutOfRange for shapes that do not fit, saying which;
/// never silent.
struct Operator {
    std::string_view name;
    int minimumInputs = 0;
    int maximumInputs = 0; ///< -1: any number
    int maximumOutputs = 1;
    Result<std::vector<Value>> (*forward)(const Node& node, OperatorInputs inputs, OperatorContext& context) = nullptr;
};

/// The operator of this name, or null. The table is put together from `operators/`, one list per family.
[[nodiscard]] const Operator* findOperator(std::string_view name);

// The families: each in a file of its own under `operators/`.
[[nodiscard]] std::span<const Operator> attentionOperators();
[[nodiscard]] std::span<const Operator> basicOperators();
[[nodiscard]] std::span<const Operator> binaryOperators();
[[nodiscard]] std::span<const Operator> castOperators();
[[nodiscard]] std::span<const Operator> channelNormOperators();
[[nodiscard]] std::span<const Operator> constantOperators();
[[nodiscard]] std::span<const Operator> controlOperators();
[[nodiscard]] std::span<const Operator> convolutionOperators();
[[nodiscard]] std::span<const Operator> einsumOperators();
[[nodiscard]] std::span<const Operator> gatherOperators();
[[nodiscard]] std::span<const Operator> gatheringOperators();
[[nodiscard]] std::span<const Operator> integerProductOperators();
[[nodiscard]] std::span<const Operator> layoutOperators();
[[nodiscard]] std::span<const Operator> logicOperators();
[[nodiscard]] std::span<const Operator> normalizationOperators();
[[nodiscard]] std::span<const Operator> orderingOperators();
[[nodiscard]] std::span<const Operator> paddingOperators();
[[nodiscard]] std::span<const Operator> poolingOperators();
[[nodiscard]] std::span<const Operator> productOperators();
[[nodiscard]] std::span<const Operator> quantizationOperators();
[[nodiscard]] std::span<const Operator> recurrentOperators();
[[nodiscard]] std::span<const Operator> reductionOperators();
[[nodiscard]] std::span<const Operator> resizeOperators();
[[nodiscard]] std::span<const Operator> rotaryOperators();
[[nodiscard]] std::span<const Operator> scatteringOperators();
[[nodiscard]] std::span<const Operator> sequenceOperators();
[[nodiscard]] std::span<const Operator> shapingOperators();
[[nodiscard]] std::span<const Operator> softmaxOperators();
[[nodiscard]] std::span<const Operator> stateSpaceOperators();
[[nodiscard]] std::span<const Operator> unaryOperators();

} // namespace qscope::engine::nn
