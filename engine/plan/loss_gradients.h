// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/calibrate.h"
#include "engine/quant/model_access.h"

namespace qscope::engine {

/// A gradient with respect to a weight of the graph as one with respect to the weight that methods see, row-major.
/// Unsupported where the one is no rearrangement of the other.
[[nodiscard]] Result<std::vector<float>> gradientAsMethodsSee(const Model& model, std::size_t tensor,
                                                              const nn::Value& gradient);

/// Gradients of the loss by tensor of the checkpoint; tensors that are no weights of the model are absent. Progress
/// counts sequences.
[[nodiscard]] Result<std::map<std::size_t, std::shared_ptr<const WeightGradients>>>
lossGradients(const Model& model, const CalibrationText& text, std::span<const std::size_t> tensors,
              const RunContext& context);

} // namespace qscope::engine
