// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/checkpoint/onnx/graph.h"

namespace qscope::engine {

/// What a model says about itself: versions, producer, operator sets, inputs and outputs with their shapes, and its own
/// keys under "metadata_props.". Bytes that are no UTF-8 become '?'.
[[nodiscard]] Metadata describeOnnxModel(const OnnxModel& model, const ReadLimits& limits);

} // namespace qscope::engine
