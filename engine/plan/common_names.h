// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

namespace qscope::engine {

/// The family of a checkpoint's model as `nn::buildArchitecture` calls it (Hugging Face's "model_type"), or empty when
/// the checkpoint does not say.
[[nodiscard]] std::string modelFamily(const Checkpoint& checkpoint);

/// The name that a weight has in the family's graph: Hugging Face's, with the root that files of a bare model leave out
/// ("encoder.layer.0..." is "bert.encoder.layer.0...").
[[nodiscard]] std::string weightName(const Checkpoint& checkpoint, std::string_view family, std::string_view tensor);

/// The module of the family's token embedding, "model.embed_tokens".
[[nodiscard]] std::string_view embeddingModule(std::string_view family);

/// Whether the family reads positions from a table, which then ends its texts.
[[nodiscard]] bool hasPositionTable(std::string_view family);
/// Whether the family remembers by a state of fixed size, so that a text may be of any length.
[[nodiscard]] bool isRecurrent(std::string_view family);

} // namespace qscope::engine
