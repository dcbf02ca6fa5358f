// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"

#include <string>
#include <vector>

namespace qscope::cli {

/// Tensors whose name matches one of the globs (none: all); OutOfRange when a glob matches nothing.
[[nodiscard]] Result<std::vector<std::size_t>> matchingTensors(const engine::Checkpoint& checkpoint,
                                                               const std::vector<std::string>& globs);

/// Parsed and checked against the registry; OutOfRange names the known methods.
[[nodiscard]] Result<std::vector<engine::MethodSpec>> methodSpecs(const std::vector<std::string>& texts,
                                                                  const engine::Registries& registries);

/// By id, or by the target's extension when `id` is empty; OutOfRange names the known formats.
[[nodiscard]] Result<const engine::Exporter*> exporterFor(const std::string& id, const std::string& target,
                                                          const engine::Registries& registries);

/// OutOfRange (wrong usage, not a bad file) when the exporter cannot hold the checkpoint or the result.
[[nodiscard]] Result<void> accepted(const engine::Exporter& exporter, const engine::Checkpoint& checkpoint,
                                    const engine::MethodResult* result);

/// The `--shard-size` of a command as options of an export: "5GB", "500MB", "64KiB", bytes without a unit. OutOfRange otherwise.
[[nodiscard]] Result<engine::ExportOptions> exportOptions(const std::string& shardSize);

} // namespace qscope::cli
