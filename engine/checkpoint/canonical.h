// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

namespace qscope::engine {

/// Names differ between formats; the Hugging Face name serves as the common one (families: architecture.h, else Llama's).
/// "blk.3.attn_q.weight" gives "model.layers.3.self_attn.q_proj.weight"; unknown names stay as they are.
[[nodiscard]] std::string canonicalName(const Checkpoint& checkpoint, std::string_view name);

/// The GGUF name of a canonical name in a model of this architecture (either world's word for it); unknown names stay as
/// they are.
[[nodiscard]] std::string ggufName(std::string_view canonical, std::string_view architecture = "llama");

/// What a family is called in the other world: "mistral" is "llama" in GGUF. Unknown ones stay as they are.
[[nodiscard]] std::string targetArchitecture(const Checkpoint& checkpoint, Naming target);

/// The rows of `view`, reordered from one rotary layout to another when the tensor is a query or key matrix of `heads`
/// heads; otherwise the same view. Whole rows move, so block types stay exact.
[[nodiscard]] Result<TensorView> withRopeLayout(const TensorView& view, std::int64_t heads, RopeLayout from, RopeLayout to);

/// Heads of the tensor's rotary rows (query: heads, key: key/value heads), or 0 when its rows have no rotary order.
[[nodiscard]] std::int64_t ropeHeads(const Checkpoint& checkpoint, std::string_view canonical);

/// The tensor with its rows in `layout`.
[[nodiscard]] Result<TensorView> viewInLayout(const Checkpoint& checkpoint, std::size_t tensor, RopeLayout layout);

} // namespace qscope::engine
