// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/writer.h"

namespace qscope::engine {

/// The metadata of a GGUF file for the source with these tensors: the source's own where it is GGUF, else sizes and
/// tokenizer in GGUF's keys. `general.file_type` names the type of most matrix elements.
[[nodiscard]] Metadata ggufDescription(const Checkpoint& source, const std::vector<TensorToWrite>& tensors,
                                       Diagnostics& notes);

} // namespace qscope::engine
