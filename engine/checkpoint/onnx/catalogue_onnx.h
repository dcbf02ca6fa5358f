// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/coded_uses.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/core/diagnostics.h"

namespace qscope::engine {

/// The catalogue of a model's weights. Codes that nodes give a meaning are listed as the weight that they make, followed
/// by their parts; such a weight has the name of its codes without the "_quantized" that quantizers append, or of the
/// node's output when several nodes read them.
/// Stored tensors that are nothing but parts are not listed again. What has no known form is listed as it is stored,
/// with a note. `files` must be finished.
[[nodiscard]] Result<std::vector<TensorInfo>> catalogueOnnx(const OnnxWeights& found, const std::vector<OnnxPlace>& places,
                                                            const OnnxModelFiles& files, MemoryBudget& budget,
                                                            Diagnostics& notes);

} // namespace qscope::engine
