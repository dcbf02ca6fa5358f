// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/writer.h"
#include "engine/report/compare_report.h"

#include <map>

namespace qscope::engine {

/// The metadata of a GGUF file for the source with these tensors: the source's own where it is GGUF, else sizes and
/// tokenizer in GGUF's keys. `general.file_type` names the mix, or the type of most matrix
/// elements; an importance matrix is recorded. `divisors`: of NVFP4 weights, by name (gguf_scales.h).
[[nodiscard]] Metadata ggufDescription(const Checkpoint& source, const MethodResult* result, const std::vector<TensorToWrite>& tensors,
                                       const std::map<std::string, float>& divisors, Diagnostics& notes);

} // namespace qscope::engine
