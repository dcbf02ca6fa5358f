// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/operator.h"

namespace qscope::engine::nn {

/// One node of a graph on the way back: the values of a forward run that succeeded, and what arrived at its outputs.
/// All floating-point values and gradients of a step have one type, F32 or F64, save where the operator changes it.
struct BackwardStep {
    const Node& node;
    OperatorInputs inputs;                 ///< an absent optional one is a null pointer
    std::span<const Value* const> outputs; ///< null: absent
    /// Gradients of the loss with respect to the outputs, each of its output's shape and type; null: nothing flows
    /// back through it. At least one is there.
    std::span<const Value* const> outputGradients;
    const std::vector<bool>& wanted; ///< for each input whether its gradient is asked for; at least one is
    const RunContext& run;
};

/// For each input its gradient, of the input's shape and type. Nothing where it was not wanted, or where the output
/// does not change with the input.
using InputGradients = std::vector<std::optional<Value>>;

/// How gradients pass through one operator. Unsupported for what its mathematics or this implementation has no
/// gradient of (an input, an output, a mode), saying which.
struct Gradient {
    std::string_view op;
    Result<InputGradients> (*single)(const BackwardStep& step) = nullptr; ///< for F32
    Result<InputGradients> (*wide)(const BackwardStep& step) = nullptr;   ///< for F64
};

/// The gradient of the operator of this name, or null.
[[nodiscard]] const Gradient* gradientOf(std::string_view op);

/// Chooses by the type of the gradients that arrive. Unsupported, naming it, for an operator without gradient.
[[nodiscard]] Result<InputGradients> inputGradients(const BackwardStep& step);

// The families: each in a file of its own.
namespace backward {
[[nodiscard]] std::span<const Gradient> attentionGradients();
[[nodiscard]] std::span<const Gradient> binaryGradients();
[[nodiscard]] std::span<const Gradient> convolutionGradients();
[[nodiscard]] std::span<const Gradient> linearGradients();
[[nodiscard]] std::span<const Gradient> movementGradients();
[[nodiscard]] std::span<const Gradient> normalizationGradients();
[[nodiscard]] std::span<const Gradient> poolingGradients();
[[nodiscard]] std::span<const Gradient> recurrentGradients();
[[nodiscard]] std::span<const Gradient> reductionGradients();
[[nodiscard]] std::span<const Gradient> rotaryGradients();
[[nodiscard]] std::span<const Gradient> softmaxGradients();
[[nodiscard]] std::span<const Gradient> unaryGradients();
} // namespace backward

} // namespace qscope::engine::nn
