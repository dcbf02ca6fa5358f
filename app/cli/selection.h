// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/environment.h"
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

/// What a plan may have besides files and methods.
struct PlanOptions {
    std::string importance;
    std::vector<std::string> rules;
    std::string calibration;
    engine::EvaluationSettings evaluation = {};
    std::string scoring = "windows";
};
/// --imatrix, --tensor-type, --calibration.
void addPlanOptions(CLI::App& command, PlanOptions& options);
/// --text, --context, --tokens, --scoring.
void addTextOptions(CLI::App& command, PlanOptions& options, bool required);

/// Whether the file can be read as text: bad input, named by itself, when not. An empty path is none.
[[nodiscard]] Result<void> checkText(Environment& environment, const std::string& path);

/// OutOfRange for a rule of another form or an unknown way of scoring.
[[nodiscard]] Result<engine::Plan> planFor(const std::string& source, const std::vector<std::string>& globs,
                                           const std::vector<engine::MethodSpec>& specs, std::uint64_t seed,
                                           const PlanOptions& options);

/// By id, or by the target's extension when `id` is empty; OutOfRange names the known formats.
[[nodiscard]] Result<const engine::Exporter*> exporterFor(const std::string& id, const std::string& target,
                                                          const engine::Registries& registries);

/// OutOfRange (wrong usage, not a bad file) when the exporter cannot hold the checkpoint or the result.
[[nodiscard]] Result<void> accepted(const engine::Exporter& exporter, const engine::Checkpoint& checkpoint,
                                    const engine::MethodResult* result);

/// The `--shard-size` of a command as options of an export: "5GB", "500MB", "64KiB", bytes without a unit. OutOfRange
/// otherwise, and for a format that is written in one file, naming those that are cut.
[[nodiscard]] Result<engine::ExportOptions> exportOptions(const std::string& shardSize, const engine::Exporter& exporter,
                                                          const engine::Registries& registries);

} // namespace qscope::cli
