// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/translation.h"

namespace qscope::engine {

// What the safetensors exporters share. Not for users of exports.

/// Hugging Face's order of rotary rows where names are translated, else the source's own.
[[nodiscard]] RopeLayout safetensorsLayout(const Checkpoint& source);
[[nodiscard]] std::string safetensorsName(const Checkpoint& source, std::size_t tensor);

/// What becomes of the source's tensors on the way to Hugging Face's form.
[[nodiscard]] Translation safetensorsTranslation(const Checkpoint& source);

/// A whole tensor as the source stores it; strided ones in their own type, block types and coded ones as values in F32.
[[nodiscard]] TensorToWrite storedTensor(const Checkpoint& source, std::size_t tensor);
/// The matrices of a stack of experts (Translation::isStack), one by one.
[[nodiscard]] std::vector<TensorToWrite> storedExperts(const Checkpoint& source, std::size_t tensor);

/// What goes beside the tensors.
struct SafetensorsFiles {
    std::vector<std::pair<std::string, std::string>> metadata;
    Json config;                                      ///< of config.json; null: none
    std::vector<std::pair<std::string, Json>> others; ///< further files of the target's folder, by name
};

/// Writes tensors and files. Beyond the size of one shard, "model.safetensors" becomes "model-00001-of-00003.safetensors"
/// and so on and "model.safetensors.index.json". Everything is written and checked under temporary names first. A shard
/// that takes the place of an old one of the same name does so after the old index has been pointed at the old shards
/// under other names, and the new index comes last: whenever the program is killed, the index leads to one whole set.
[[nodiscard]] Result<ExportOutcome> writeSafetensorsExport(const Checkpoint& source, const std::filesystem::path& target,
                                                           SafetensorsFiles files, std::vector<TensorToWrite> tensors,
                                                           const RunContext& context, const ExportOptions& options);

} // namespace qscope::engine
