// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/translation.h"

namespace qscope::engine {

// What the two safetensors exporters share. Not for users of exports.

/// Hugging Face's order of rotary rows where names are translated, else the source's own.
[[nodiscard]] RopeLayout safetensorsLayout(const Checkpoint& source);
[[nodiscard]] std::string safetensorsName(const Checkpoint& source, std::size_t tensor);

/// What becomes of the source's tensors on the way to Hugging Face's form.
[[nodiscard]] Translation safetensorsTranslation(const Checkpoint& source);

/// A tensor as the source stores it; block types as their values in F32.
[[nodiscard]] TensorToWrite storedTensor(const Checkpoint& source, std::size_t tensor);

/// Writes the file and, unless `config` is null, its config.json; both or none.
[[nodiscard]] Result<ExportOutcome>
writeSafetensorsExport(const Checkpoint& source, const std::filesystem::path& target,
                       const std::vector<std::pair<std::string, std::string>>& metadata,
                       std::vector<TensorToWrite> tensors, const Json& config, const RunContext& context);

} // namespace qscope::engine
