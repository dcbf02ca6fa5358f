// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/writer.h"
#include "engine/core/atomic_file.h"
#include "engine/core/json.h"

namespace qscope::engine {

/// Consecutive tensors with at most `maximumBytes` together in each run, larger ones by themselves; 0: one run.
[[nodiscard]] std::vector<std::vector<TensorToWrite>> cutIntoShards(std::vector<TensorToWrite> tensors, std::uint64_t maximumBytes);

/// "model.safetensors", shard 0 of 3: "model-00001-of-00003.safetensors".
[[nodiscard]] std::filesystem::path shardPath(const std::filesystem::path& target, std::size_t shard, std::size_t count);
/// "model.safetensors.index.json".
[[nodiscard]] std::filesystem::path indexPath(const std::filesystem::path& target);
[[nodiscard]] Json shardIndex(const std::filesystem::path& target, const std::vector<std::vector<TensorToWrite>>& shards);

/// Puts finished temporary files in place so that a reader finds the old checkpoint or the new one at every moment: the
/// one file or the shards, then `beside`, then the index (null: none). Old shards that the new index does not name go last.
[[nodiscard]] Result<void> placeShards(const std::filesystem::path& target, std::vector<AtomicFile> shards, std::vector<AtomicFile> beside,
                                       const Json& index);

} // namespace qscope::engine
