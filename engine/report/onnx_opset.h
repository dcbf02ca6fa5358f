// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"

namespace qscope::engine {

/// The version of ai.onnx that the model imports; 1 when it does not say.
[[nodiscard]] std::int64_t standardOpset(const OnnxModel& model);

/// Unsupported when a node of the model would mean something else, or nothing, under a later version of ai.onnx: the
/// inputs, defaults or attributes of its operator changed in between. Names the operator.
[[nodiscard]] Result<void> checkOpsetRaise(const OnnxModel& model, std::int64_t to);

} // namespace qscope::engine
