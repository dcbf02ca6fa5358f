// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/diagnostics.h"

#include <cstddef>
#include <optional>
#include <span>

namespace qscope::engine {

/// A SentencePiece model ("tokenizer.model", a protobuf message) as tokenizer.ggml.* metadata: pieces, scores, types and
/// special tokens. BPE models only; nothing, with a warning that says why, for any other file.
[[nodiscard]] std::optional<Metadata> tokenizerFromSentencePiece(std::span<const std::byte> file, Diagnostics& notes);

} // namespace qscope::engine
