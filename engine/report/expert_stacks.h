// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/writer.h"

namespace qscope::engine {

// Mixtures of experts: Hugging Face has one matrix per expert, GGUF all of them as one tensor [experts, out, in]. Its older
// files had "blk.0.ffn_gate.3.weight", which is what an expert's name is translated to before it takes its place in
// "blk.0.ffn_gate_exps.weight".

/// Puts experts, by their old names in GGUF, together to stacks, each where its first expert was; all else stays.
/// Unsupported when a stack lacks an expert, or its experts have several shapes or types.
[[nodiscard]] Result<std::vector<TensorToWrite>> stackExperts(std::vector<TensorToWrite> tensors);

/// Whether the tensor is such a stack, by its name in GGUF and its axes.
[[nodiscard]] bool isExpertStack(const TensorInfo& tensor);
/// The old name of one of its experts.
[[nodiscard]] std::string expertName(std::string_view stack, std::int64_t expert);
/// One of its matrices: the view must be of a plain or block type whose rows are whole bytes.
[[nodiscard]] Result<TensorView> expertOf(const TensorView& stack, std::int64_t expert);

} // namespace qscope::engine
