// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/diagnostics.h"
#include "engine/core/json.h"

#include <optional>

namespace qscope::engine {

/// A Hugging Face tokenizer.json as tokenizer.ggml.* metadata: byte-level BPE with a splitting rule that GGUF has a name
/// for (GPT-2, Llama 3, Qwen 2, Falcon, StarCoder); nothing, with a warning that says why, for any other. `config`
/// gives begin and end tokens (may be null); `budget` is what the metadata may take beside the JSON.
[[nodiscard]] std::optional<Metadata> tokenizerFromJson(const Json& tokenizer, const Json& config, Diagnostics& notes,
                                                        MemoryBudget budget = MemoryBudget(0));

/// The way back, for byte-level BPE with the splitting rules of GPT-2, Llama 3 and Qwen 2; nothing for any other.
[[nodiscard]] std::optional<Json> tokenizerToJson(const Metadata& metadata);

/// From the files in the folder of the model at `path`: tokenizer.model (SentencePiece), else tokenizer.json, with the chat
/// template of tokenizer_config.json; a vocabulary shorter than the model's is padded. Nothing without a warning when there is no file.
[[nodiscard]] std::optional<Metadata> tokenizerBeside(const std::filesystem::path& path, const ReadLimits& limits,
                                                      Diagnostics& notes);

} // namespace qscope::engine
