// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/graph/value.h"

#include <functional>
#include <optional>

namespace qscope::engine::nn {

/// What a loss function says about a value: a number, and its gradient with respect to the value, of the same shape and
/// type.
struct Loss {
    double value = 0;
    Value gradient;
};
using LossFunction = std::function<Result<Loss>(const Value& value, const RunContext& context)>;

/// mean(importance (value - target)²), without importance the mean squared error. Target and importance (BRECQ: squared
/// gradients) have the value's shape and type, F32 or F64.
[[nodiscard]] LossFunction meanSquaredError(Value target, std::optional<Value> importance = std::nullopt);

/// Mean over rows of KL(softmax(target) || softmax(logits)), in nat, for logits [..., classes] of one shape and type.
[[nodiscard]] LossFunction klDivergence(Value target);

/// The operator CrossEntropy on logits [..., classes]: targets I64 [...], those below 0 left out. For a language model,
/// the target of a token is the next one.
[[nodiscard]] LossFunction crossEntropy(Value targets);

} // namespace qscope::engine::nn
