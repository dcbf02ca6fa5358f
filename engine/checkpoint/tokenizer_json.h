// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/diagnostics.h"
#include "engine/core/json.h"

#include <optional>

namespace qscope::engine {

/// A Hugging Face tokenizer.json as tokenizer.ggml.* metadata. Byte-level BPE with the GPT-2 split only; nothing, with a
/// warning that says why, for any other. `config` gives begin and end tokens (may be null).
[[nodiscard]] std::optional<Metadata> tokenizerFromJson(const Json& tokenizer, const Json& config, Diagnostics& notes);

/// The same from the files in the folder of the model at `path`; nothing without a warning when there is no file.
[[nodiscard]] std::optional<Metadata> tokenizerBeside(const std::filesystem::path& path, const ReadLimits& limits,
                                                      Diagnostics& notes);

} // namespace qscope::engine
