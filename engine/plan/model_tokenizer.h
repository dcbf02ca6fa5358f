// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/diagnostics.h"
#include "engine/core/read_limits.h"
#include "engine/nn/tokenizer/tokenizer.h"

namespace qscope::engine {

/// The vocabulary that `tokenizer.ggml.*` metadata describes (formats.md, section 1.1). Unsupported when there is none
/// or its model is not known; Malformed when a key has the wrong type.
[[nodiscard]] Result<Vocabulary> vocabularyFrom(const Metadata& metadata);

/// The tokenizer of a checkpoint: from its metadata, or from the tokenizer file beside it.
[[nodiscard]] Result<std::shared_ptr<const Tokenizer>> tokenizerOf(const Checkpoint& checkpoint, Diagnostics& notes,
                                                                   const ReadLimits& limits = {});

} // namespace qscope::engine
